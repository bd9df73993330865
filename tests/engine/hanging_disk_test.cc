// P4: a disk that does not answer keeps nobody but those who already wait for it.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "faulty_cache.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using testing::FaultyFileSystem;
using testing::HasCode;

class HangingDiskTest : public testing::FaultyCacheTest {
 protected:
  HangingDiskTest() {
    for (const char* key : {"a", "b"}) EXPECT_OK(Put(key));
  }
  ~HangingDiskTest() override {
    files_->Release();
    if (stuck_.joinable()) stuck_.join();
  }
  // A put hangs in the log of the store.
  void HangInAPut() {
    core_->Watch();
    files_->Hang(FaultyFileSystem::Kind::kWrite);
    stuck_ = std::thread([core = core_] { static_cast<void>(core->Put("stuck", "v", {})); });
    files_->WaitForHanging();
    WatchFor(1s);
  }
  // As the watchdog would.
  void WatchFor(Duration time) {
    for (Duration passed{0}; passed <= time; passed += 200ms) {
      core_->Watch();
      clock_.Advance(200ms);
    }
    core_->Watch();
  }
  void LetGo() {
    files_->Release();
    stuck_.join();
  }

  std::thread stuck_;
};

TEST_F(HangingDiskTest, NewCallsAreMissesAtOnceAndTouchNoFile) {
  HangInAPut();
  EXPECT_EQ(State(), "degraded hanging_disk");
  const std::uint64_t operations = files_->operations();
  EXPECT_EQ(Get("a"), "MISS");
  EXPECT_THAT(Put("b"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core_->Remove("b"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core_->CompactAll(), HasCode(StatusCode::kUnavailable));
  Acquired acquired = core_->Acquire("a", {}, StaleWindow::kNone);
  ASSERT_TRUE(std::holds_alternative<Lease>(acquired));
  const Committed committed = std::get<Lease>(acquired).Commit("computed", {});
  EXPECT_EQ(committed.entry.body(), "computed");
  EXPECT_EQ(committed.outcome, PutOutcome::kNotStored);
  EXPECT_EQ(core_->GetStats().health.state, HealthState::kDegraded);
  EXPECT_EQ(files_->operations(), operations);
}

TEST_F(HangingDiskTest, AnswerIsHandedOutWhileItsWriteHangs) {
  std::thread writer;
  internals_.write_later = [&writer](const std::function<void()>& write) {
    writer = std::thread(write);
    return true;
  };
  Reopen();
  const std::uint64_t stores = core_->GetStats().stores;
  Acquired acquired = core_->Acquire("new", {}, StaleWindow::kNone);
  files_->Hang(FaultyFileSystem::Kind::kWrite);
  EXPECT_EQ(std::get<Lease>(acquired).CommitInBackground("answer").body(), "answer");
  files_->WaitForHanging();
  EXPECT_EQ(Get("new"), "answer");
  files_->Release();
  writer.join();
  EXPECT_EQ(core_->GetStats().stores, stores + 1);
}

TEST_F(HangingDiskTest, LessMemoryLetsFewerAnswersWaitForIt) {
  internals_.threads = true;
  options_.max_memory_bytes = std::uint64_t{512} << 20;
  Reopen();
  ASSERT_OK(core_->Change({.max_memory_bytes = std::uint64_t{32} << 20}));  // 2 MiB of it wait
  files_->Hang(FaultyFileSystem::Kind::kWrite);
  std::vector<PutOutcome> outcomes;  // of those that are refused; the others hang
  for (const char* key : {"w", "x", "y", "z"}) {
    Acquired acquired = core_->Acquire(key, {}, StaleWindow::kNone);
    Lease& lease = std::get<Lease>(acquired);
    lease.Follow().OnWritten([&](PutOutcome outcome) { outcomes.push_back(outcome); });
    lease.CommitInBackground(std::string(700 << 10, *key));
  }
  EXPECT_EQ(outcomes, std::vector<PutOutcome>(2, PutOutcome::kNotStored));
  files_->Release();
  ASSERT_OK(core_->Sync());
  EXPECT_EQ(outcomes.size(), 4u);
}

TEST_F(HangingDiskTest, HealsByItselfWhenTheCallComesBack) {
  HangInAPut();
  LetGo();
  core_->Watch();
  EXPECT_EQ(State(), "serving none");
  EXPECT_EQ(Get("a"), "value of a");
  EXPECT_EQ(Get("stuck"), "v");
  EXPECT_OK(Put("c"));
}

TEST_F(HangingDiskTest, InvalidationsGoOnMeanwhile) {
  ASSERT_OK(core_->Put("tagged", "v", {.tags = {"t"}}));
  HangInAPut();
  const Invalidation what{.tags = {"t"}};
  EXPECT_OK(core_->Invalidate({&what, 1}));
  LetGo();
  core_->Watch();
  EXPECT_EQ(Get("tagged"), "MISS");
}

TEST_F(HangingDiskTest, CloseDoesNotWaitForEverAndClosesWhenTheDiskAnswers) {
  const auto patience = std::exchange(internals_.close_patience, 50ms);
  Reopen();
  HangInAPut();
  Acquired acquired = core_->Acquire("k", {}, StaleWindow::kNone);
  const Flight flight = std::get<Lease>(acquired).Follow();
  EXPECT_THAT(core_->Close(), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core_->Close(), HasCode(StatusCode::kUnavailable))
      << "nor is it closed if asked again";
  EXPECT_THAT(flight.Wait(0ms).status, HasCode(StatusCode::kCancelled));
  EXPECT_THAT(CacheCore::Open(options_, internals_), HasCode(StatusCode::kUnavailable))
      << "the directory is still held";
  const std::weak_ptr<CacheCore> gone = core_;
  core_.reset();
  std::get<Lease>(acquired).Abandon({StatusCode::kCancelled, "no more"});
  LetGo();
  while (!gone.expired()) std::this_thread::yield();  // the closing thread has the last word
  internals_.close_patience = patience;
  Open();
  EXPECT_EQ(Get("a"), "value of a");
  EXPECT_EQ(Get("stuck"), "v") << "it was in the log before the disk answered the caller";
}

TEST_F(HangingDiskTest, ReadThatHangsCountsToo) {
  ASSERT_OK(core_->CompactAll());
  Reopen();  // nothing of the tables is in memory
  core_->Watch();
  files_->Hang(FaultyFileSystem::Kind::kRead);
  stuck_ = std::thread([core = core_] { static_cast<void>(core->Get("a", {})); });
  files_->WaitForHanging();
  WatchFor(1s);
  EXPECT_EQ(State(), "degraded hanging_disk");
  LetGo();
  core_->Watch();
  EXPECT_EQ(Get("a"), "value of a");
}

TEST_F(HangingDiskTest, EntryThatExpiresWhileItsReadHangsIsNotServed) {
  const std::vector<std::string_view> keys = {"short", "a"};
  const std::vector<std::function<void()>> reads = {
      [this] { EXPECT_EQ(Get("short"), "MISS"); },
      [&] { EXPECT_FALSE(core_->MultiGet(keys, {})[0].has_value()); },
      [this] {
        const Result<ScanPage> page = core_->Scan({});
        ASSERT_OK(page);
        for (const ScanItem& item : page->items) EXPECT_NE(item.key, "short");
      }};
  for (const auto& read : reads) {
    ASSERT_OK(core_->Put("short", "v", {.ttl = 500ms}));
    ASSERT_OK(core_->CompactAll());
    Reopen();  // nothing of the tables is in memory
    files_->Hang(FaultyFileSystem::Kind::kRead);
    stuck_ = std::thread(read);
    files_->WaitForHanging();
    clock_.Advance(1s);
    LetGo();
  }
}

}  // namespace
}  // namespace larder
