// P4 from the start: a program that opens its cache late has one at once, whatever the disk does,
// and the cache comes by itself when the disk lets it.
#include "late_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fake_clock.h"
#include "larder/observer.h"
#include "memory_journal_files.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::MemoryJournalFiles;
using ::testing::StartsWith;

class Notes final : public Observer {
 public:
  void OnMiss(std::string_view key, MissReason /*reason*/) override {
    Add("miss " + std::string(key));
  }
  void OnHealth(const Health& health) override { Add(std::string(HealthStateName(health.state))); }
  void Add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

class LateCacheTest : public ::testing::Test {
 protected:
  LateCacheTest() {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.log = [this](LogLevel level, std::string_view line) {
      if (level != LogLevel::kDebug) log_.Add(std::string(line));
    };
    internals_.journal_files = &journal_;
    // What fails at all has failed by then, and what hangs is seen to when a test says so.
    timing_ = {.patience = 1min, .first_pause = 1ms, .longest_pause = 1ms};
  }
  ~LateCacheTest() override {
    Open(go_);
    cache_.reset();
  }

  static void Open(std::atomic<bool>& gate) {
    gate = true;
    gate.notify_all();
  }
  Result<std::unique_ptr<Cache>> TryToOpen() {
    return OpenCacheLate(options_, internals_, timing_);
  }
  void Open() {
    Result<std::unique_ptr<Cache>> cache = TryToOpen();
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  void OpenOnAFailingDisk() {
    journal_.FailAt(0, UINT64_MAX / 4);
    Open();
  }
  void OpenOnAHangingDisk() {
    journal_.OnSync([this] {
      Open(begun_);
      go_.wait(false);
    });
    timing_.patience = 1ms;
    Open();
    begun_.wait(false);
  }
  void AwaitOpen() {
    Await([this] { return State() == "serving none"; });
  }
  static void Await(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 1min;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }
  std::string State() const {
    const Health health = cache_->GetHealth();
    return std::string(HealthStateName(health.state)) + " " +
           std::string(HealthReasonName(health.reason));
  }
  std::string Get(std::string_view key) {
    const std::optional<Hit> hit = cache_->Get(key);
    return hit ? std::string(hit->entry.body()) : "MISS";
  }
  Result<Entry> Compute(const std::string& key, const std::string& value) {
    return cache_->GetOrCompute(key, {}, [value] { return Computed{value}; });
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  MemoryJournalFiles journal_;
  std::atomic<bool> begun_{false};
  std::atomic<bool> go_{false};
  Notes log_;
  Options options_;
  CacheInternals internals_;
  LateTiming timing_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(LateCacheTest, CacheThatOpensInTimeIsAnOrdinaryOne) {
  Open();
  EXPECT_EQ(State(), "serving none");
  ASSERT_OK(cache_->Put("k", "v"));
  EXPECT_EQ(Get("k"), "v");
  EXPECT_OK(cache_->Close());
  EXPECT_EQ(State(), "closed none");
}

TEST_F(LateCacheTest, PassesCallsByUntilWhatFailsIsMended) {
  Open();
  ASSERT_OK(cache_->Put("stored", "before"));
  cache_.reset();
  OpenOnAFailingDisk();
  EXPECT_EQ(State(), "reopening io_error");
  EXPECT_FALSE(cache_->GetHealth().reads);
  EXPECT_FALSE(cache_->GetHealth().writes);
  EXPECT_EQ(Get("stored"), "MISS");
  EXPECT_FALSE(cache_->GetInMemory("stored").has_value());
  EXPECT_FALSE(cache_->Peek("stored").has_value());
  const std::string_view key = "stored";
  EXPECT_FALSE(cache_->MultiGet({&key, 1}).at(0).has_value());
  Result<Entry> computed = Compute("stored", "by us");
  ASSERT_OK(computed);
  EXPECT_EQ(computed->body(), "by us");
  const Status put = cache_->Put("k", "v").status();
  EXPECT_THAT(put, HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(put.message(), HasSubstr("not open yet: "));
  const PutRequest request{.key = "k", .body = "v"};
  EXPECT_THAT(cache_->MultiPut({&request, 1}), ElementsAre(HasCode(StatusCode::kUnavailable)));
  EXPECT_THAT(cache_->Remove("k"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Touch("k", 1s), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Invalidate({.tags = {"t"}}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Scan({}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Sync(), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(cache_->Explain("stored").why, Why::kUnreachable);
  EXPECT_EQ(cache_->GetStats().misses_fault, 3u);
  EXPECT_EQ(cache_->GetStats().health.state, HealthState::kReopening);
  EXPECT_EQ(cache_->Now(), clock_.Wall());
  journal_.Heal();
  AwaitOpen();
  EXPECT_EQ(Get("stored"), "before");
  ASSERT_OK(cache_->Put("k", "v"));
  EXPECT_EQ(Get("k"), "v");
  EXPECT_EQ(cache_->GetStats().misses_fault, 3u) << "goes on counting";
  EXPECT_EQ(cache_->GetStats().fault_episodes, 1u);
}

TEST_F(LateCacheTest, IsThereAtOnceThoughTheDiskHangs) {
  OpenOnAHangingDisk();
  EXPECT_EQ(State(), "reopening hanging_disk");
  ASSERT_OK(Compute("k", "v"));
  EXPECT_EQ(Get("k"), "MISS") << "there is nowhere to keep it";
  Open(go_);
  AwaitOpen();
  ASSERT_OK(Compute("k", "v"));
  EXPECT_EQ(Get("k"), "v");
}

TEST_F(LateCacheTest, StateThatCannotBeReadIsReadLater) {
  internals_.journal_files = nullptr;
  Open();
  ASSERT_OK(cache_->Put("k", "v"));
  cache_.reset();
  std::filesystem::rename(dir_ / "cache/state", dir_ / "state");
  std::filesystem::create_directory(dir_ / "cache/state");
  Open();
  EXPECT_EQ(State(), "reopening io_error");
  EXPECT_THAT(cache_->GetHealth().detail, HasSubstr("Is a directory"));
  std::filesystem::remove(dir_ / "cache/state");
  std::filesystem::rename(dir_ / "state", dir_ / "cache/state");
  AwaitOpen();
  // The moment between the two may have cost the store its history, and never a call its answer.
  EXPECT_OK(Compute("k", "v"));
}

TEST_F(LateCacheTest, MissesOnOneKeyStillShareOneComputation) {
  OpenOnAFailingDisk();
  Acquired first = cache_->Acquire("k");
  ASSERT_TRUE(std::holds_alternative<Lease>(first));
  EXPECT_EQ(std::get<Lease>(first).reason(), MissReason::kFault);
  Acquired second = cache_->Acquire("k");
  ASSERT_TRUE(std::holds_alternative<Flight>(second));
  std::optional<Acquired> third = cache_->AcquireInMemory("k");
  ASSERT_TRUE(third.has_value());
  ASSERT_TRUE(std::holds_alternative<Flight>(*third));
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k", {.newer_than = kRefresh})));
  const Committed committed = std::get<Lease>(first).Commit("computed");
  EXPECT_EQ(committed.outcome, PutOutcome::kNotStored);
  EXPECT_THAT(committed.status, HasCode(StatusCode::kUnavailable));
  for (const Flight& flight : {std::get<Flight>(second), std::get<Flight>(*third)}) {
    const FlightEnd end = flight.Wait();
    ASSERT_TRUE(end.entry.has_value());
    EXPECT_EQ(end.entry->body(), "computed");
  }
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k"))) << "nothing was kept";
  EXPECT_EQ(cache_->GetStats().coalesced, 2u);
}

TEST_F(LateCacheTest, FailureOfAComputationGoesToAllWhoWait) {
  OpenOnAFailingDisk();
  Acquired first = cache_->Acquire("k");
  std::thread waits([this] {
    EXPECT_THAT(cache_->GetOrCompute("k", {}, [] { return Computed{"not asked"}; }),
                HasCode(StatusCode::kNotFound));
  });
  Await([this] { return cache_->GetStats().coalesced == 1; });
  std::get<Lease>(first).Abandon({StatusCode::kNotFound, "no"});
  waits.join();
  EXPECT_THAT(cache_->GetOrCompute("k", {}, [] { return Status(StatusCode::kNotFound, "no"); }),
              HasCode(StatusCode::kNotFound));
}

TEST_F(LateCacheTest, WhoWaitsForALeaseThatIsDroppedComputesItself) {
  OpenOnAFailingDisk();
  std::optional<Acquired> first = cache_->Acquire("k");
  std::thread waits([this] {
    const Result<Entry> entry = Compute("k", "own");
    ASSERT_OK(entry);
    EXPECT_EQ(entry->body(), "own");
  });
  Await([this] { return cache_->GetStats().coalesced == 1; });
  first.reset();
  waits.join();
}

TEST_F(LateCacheTest, NobodyJoinsWhatBeganBeforeAnInvalidation) {
  OpenOnAFailingDisk();
  Acquired before = cache_->Acquire("k");
  EXPECT_THAT(cache_->Invalidate({.tags = {"t"}}), HasCode(StatusCode::kUnavailable));
  Acquired after = cache_->Acquire("k");
  ASSERT_TRUE(std::holds_alternative<Lease>(after));
  EXPECT_THAT(cache_->Remove("k"), HasCode(StatusCode::kUnavailable));
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k")));
}

TEST_F(LateCacheTest, WhatIsComputedAcrossTheOpeningIsHandedOverAndNotStored) {
  OpenOnAFailingDisk();
  Acquired early = cache_->Acquire("k");
  Acquired follower = cache_->Acquire("k");
  journal_.Heal();
  AwaitOpen();
  Acquired later = cache_->Acquire("k");
  ASSERT_TRUE(std::holds_alternative<Lease>(later)) << "computed once more";
  EXPECT_EQ(std::get<Lease>(early).Commit("early").outcome, PutOutcome::kNotStored);
  EXPECT_EQ(std::get<Flight>(follower).Wait().entry->body(), "early");
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(std::get<Lease>(later).Commit("later").outcome, PutOutcome::kStored);
  EXPECT_EQ(Get("k"), "later");
}

TEST_F(LateCacheTest, WhatIsComputedLateIsNewerThanAllThatIsStored) {
  Open();
  ASSERT_OK(cache_->Put("k", "stored"));
  cache_.reset();
  OpenOnAFailingDisk();
  Acquired late = cache_->Acquire("k");
  const ReadOptions newer{.newer_than = std::get<Lease>(late).Commit("late").entry.number()};
  journal_.Heal();
  AwaitOpen();
  Acquired next = cache_->Acquire("k", newer);
  ASSERT_TRUE(std::holds_alternative<Lease>(next));
  EXPECT_TRUE(std::holds_alternative<Flight>(cache_->Acquire("k", newer))) << "they share it";
  std::get<Lease>(next).Commit("next");
  const std::optional<Hit> hit = cache_->Get("k", newer);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->entry.body(), "next");
}

TEST_F(LateCacheTest, ComputationBegunLateThatFailsIsAnsweredWithWhatIsStale) {
  Open();
  ASSERT_OK(cache_->Put("k", "stale", {.ttl = 1s, .stale_if_error = 1h}));
  cache_.reset();
  clock_.Advance(2s);
  OpenOnAFailingDisk();
  const auto fail = [this]() -> Result<Computed> {
    journal_.Heal();
    AwaitOpen();
    return Status(StatusCode::kUnavailable, "the service is down");
  };
  const Result<Entry> entry = cache_->GetOrCompute("k", {}, fail);
  ASSERT_OK(entry);
  EXPECT_EQ(entry->body(), "stale");
  EXPECT_THAT(cache_->GetOrCompute("none", {}, fail).status().message(),
              HasSubstr("the service is down"));
}

TEST_F(LateCacheTest, ChangesHoldForTheCacheThatIsOpened) {
  OpenOnAHangingDisk();
  EXPECT_THAT(cache_->Change({.ttl_jitter = 2}), HasCode(StatusCode::kInvalidArgument));
  EXPECT_OK(cache_->Change({.default_ttl = 5s}));
  EXPECT_OK(cache_->Change({.negative_ttl = 2s}));
  Open(go_);
  AwaitOpen();
  ASSERT_OK(cache_->Put("k", "v"));
  ASSERT_OK(cache_->Put("no", "v", {.negative = true}));
  const auto life = [this](const char* key) {
    const Entry entry = cache_->Get(key)->entry;
    return entry.fresh_until() - entry.created();
  };
  EXPECT_EQ(life("k"), 5s);
  EXPECT_EQ(life("no"), 2s);
}

TEST_F(LateCacheTest, SecretIsItsOwnUntilTheStoreIsThere) {
  OpenOnAFailingDisk();
  const std::string_view provisional = cache_->StoreSecret();
  const std::string copy(provisional);
  EXPECT_EQ(copy.size(), 32u);
  journal_.Heal();
  AwaitOpen();
  EXPECT_NE(cache_->StoreSecret(), copy);
  EXPECT_EQ(provisional, copy) << "who asked before may still look at it";
}

TEST_F(LateCacheTest, SaysOnceThatItIsLateAndOnceThatItIsOpen) {
  Notes observer;
  options_.observer = &observer;
  OpenOnAFailingDisk();
  Get("k");
  const std::uint64_t operations = journal_.operations();
  Await([&] { return journal_.operations() > operations + 3; });  // it tries again and again
  Await([&] { return !observer.lines().empty() && observer.lines().back() == "reopening"; });
  journal_.Heal();
  Await([&] { return observer.lines().back() == "serving"; });
  EXPECT_THAT(observer.lines(), ElementsAre("miss k", "reopening", "serving"));
  cache_.reset();
  EXPECT_THAT(log_.lines(),
              ElementsAre(StartsWith("store fault: reopening, io_error: open cache: "),
                          StartsWith("the cache is open after ")));
}

TEST_F(LateCacheTest, ClosesBetweenTwoAttemptsAtOnce) {
  timing_.first_pause = timing_.longest_pause = 1h;
  OpenOnAFailingDisk();
  Acquired lease = cache_->Acquire("k");
  Acquired follower = cache_->Acquire("k");
  EXPECT_OK(cache_->Close());
  EXPECT_OK(cache_->Close());
  const FlightEnd end = std::get<Flight>(follower).Wait();
  EXPECT_THAT(end.status, HasCode(StatusCode::kCancelled));
  EXPECT_TRUE(end.acquire_again);
  EXPECT_EQ(State(), "closed none");
  ASSERT_OK(Compute("k", "v")) << "later calls are misses";
  EXPECT_THAT(cache_->Put("k", "v").status().message(), HasSubstr("closed"));
  EXPECT_THAT(cache_->Change({}), HasCode(StatusCode::kUnavailable));
}

TEST_F(LateCacheTest, CloseLeavesAThreadThatIsInTheDiskBehind) {
  internals_.close_patience = 1ms;
  auto observer = std::make_unique<Notes>();
  options_.observer = observer.get();
  OpenOnAHangingDisk();
  Acquired lease = cache_->Acquire("k");
  EXPECT_THAT(cache_->Close(), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Close(), HasCode(StatusCode::kUnavailable)) << "nor if asked again";
  cache_.reset();
  observer.reset();
  const std::vector<std::string> told = log_.lines();
  Open(go_);
  options_.observer = nullptr;
  options_.log = nullptr;
  internals_.close_patience = 1min;
  Await([this] {
    Result<std::shared_ptr<CacheCore>> next = CacheCore::Open(options_, internals_);
    return next.ok() && (*next)->Close().ok();
  });
  EXPECT_EQ(log_.lines(), told) << "its owner may be gone";
}

TEST_F(LateCacheTest, ClosesWhenItIsOpenAfterAll) {
  OpenOnAFailingDisk();
  journal_.Heal();
  AwaitOpen();
  ASSERT_OK(cache_->Put("k", "v"));
  EXPECT_OK(cache_->Close());
  EXPECT_EQ(State(), "closed none");
  Open();
  EXPECT_EQ(Get("k"), "v");
}

TEST_F(LateCacheTest, ObserverMayCloseIt) {
  class Closer final : public Observer {
   public:
    void OnMiss(std::string_view /*key*/, MissReason /*reason*/) override {
      EXPECT_THAT(cache->Close(), HasCode(StatusCode::kUnavailable));
    }
    Cache* cache = nullptr;
  } closer;
  options_.observer = &closer;
  OpenOnAFailingDisk();
  closer.cache = cache_.get();
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(State(), "closed none");
  EXPECT_OK(cache_->Close());
}

TEST_F(LateCacheTest, ObserverMayDestroyItWhenToldOfItsHealth) {
  class Destroyer final : public Observer {
   public:
    void OnHealth(const Health& /*health*/) override {
      given.get_future().get().reset();
      gone.set_value();
    }
    std::promise<std::unique_ptr<Cache>> given;
    std::promise<void> gone;
  } destroyer;
  options_.observer = &destroyer;
  OpenOnAFailingDisk();
  destroyer.given.set_value(std::move(cache_));
  destroyer.gone.get_future().wait();
  options_.observer = nullptr;
  journal_.Heal();
  Await([this] { return TryToOpen().ok(); });
}

TEST_F(LateCacheTest, AnotherHolderIsToldAtOnce) {
  Open();
  EXPECT_THAT(TryToOpen(), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(TryToOpen().status().message(), HasSubstr("is held by another process"));
}

TEST_F(LateCacheTest, MistakesAreToldAtOnce) {
  std::ofstream(dir_ / "file") << "no directory";
  options_.directory = dir_ / "file/cache";
  EXPECT_THAT(TryToOpen(), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(TryToOpen().status().message(), HasSubstr("Not a directory"));
  options_.directory = dir_ / "file";
  EXPECT_THAT(TryToOpen(), HasCode(StatusCode::kInvalidArgument));
  options_.directory = dir_ / "cache";
  options_.ttl_jitter = 2;
  EXPECT_THAT(TryToOpen(), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(LateCacheTest, CorruptionThatMayNotBeMovedAsideIsToldAtOnce) {
  Open();
  cache_.reset();
  std::ofstream(dir_ / "cache/store/CURRENT") << "garbage";
  options_.on_corruption = OnCorruption::kFail;
  EXPECT_THAT(TryToOpen(), HasCode(StatusCode::kDataLoss));
}

TEST_F(LateCacheTest, KeysAndTagsOutOfRangeGetALeaseOfTheirOwn) {
  OpenOnAFailingDisk();
  for (int i = 0; i < 2; ++i) {
    Acquired acquired = cache_->Acquire("");
    ASSERT_TRUE(std::holds_alternative<Lease>(acquired));
    EXPECT_THAT(std::get<Lease>(acquired).Commit("v").status,
                HasCode(StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace larder
