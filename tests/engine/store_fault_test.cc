// P4: what the caller sees of a disk that fails (design: docs/operations.md), and that the cache
// comes back by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "faulty_cache.h"
#include "larder/cache.h"
#include "store.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;

class StoreFaultTest : public testing::FaultyCacheTest {
 protected:
  int StoreFaultsLogged() {
    const std::vector<std::string> log = Log();
    return static_cast<int>(std::count_if(
        log.begin(), log.end(), [](const auto& line) { return line.starts_with("store fault"); }));
  }
  void DamageManifest() {
    for (const auto& file : std::filesystem::directory_iterator(dir_ / "cache/store")) {
      if (!file.path().filename().string().starts_with("MANIFEST")) continue;
      std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(10)
          << "XXXX";
    }
  }
};

TEST_F(StoreFaultTest, FullDiskRefusesWritesAndGoesOnReading) {
  ASSERT_OK(Put("before"));
  files_->full() = true;
  EXPECT_THAT(Put("k"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(Put("k"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core_->Remove("before"), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(State(), "degraded disk_full");
  EXPECT_EQ(Get("k"), "MISS") << "not stored, so not served";
  EXPECT_EQ(Get("before"), "value of before");
  EXPECT_EQ(StoreFaultsLogged(), 1) << "once an episode";
  EXPECT_EQ(core_->GetStats().store_faults, 1u) << "who is kept out meets no fault";
  EXPECT_EQ(core_->GetStats().fault_episodes, 1u);
}

TEST_F(StoreFaultTest, CallerGetsItsAnswerThoughItCannotBeStored) {
  files_->full() = true;
  for (int i = 0; i < 2; ++i) {
    Acquired acquired = core_->Acquire("k", {}, StaleWindow::kNone);
    ASSERT_TRUE(std::holds_alternative<Lease>(acquired));
    const Committed committed = std::get<Lease>(acquired).Commit("answer", {});
    EXPECT_EQ(committed.entry.body(), "answer");
    EXPECT_THAT(committed.status, HasCode(StatusCode::kUnavailable));
  }
}

TEST_F(StoreFaultTest, DegradedModeTouchesNoFileForWhatItCannotStore) {
  files_->full() = true;
  EXPECT_THAT(Put("k"), HasCode(StatusCode::kUnavailable));
  const std::uint64_t operations = files_->operations();
  for (int i = 0; i < 1000; ++i) {
    Acquired acquired = core_->Acquire("k" + std::to_string(i), {}, StaleWindow::kNone);
    EXPECT_EQ(std::get<Lease>(acquired).Commit("answer", {}).entry.body(), "answer");
    EXPECT_FALSE(Put("k").ok());
  }
  EXPECT_EQ(files_->operations(), operations);
}

TEST_F(StoreFaultTest, StoreThatCannotBeReopenedIsNotTouchedByCalls) {
  options_.on_corruption = OnCorruption::kFail;
  Reopen();
  ASSERT_OK(Put("k"));
  files_->full() = true;
  EXPECT_FALSE(Put("k").ok());
  files_->full() = false;
  DamageManifest();
  CareLater();
  EXPECT_EQ(State(), "reopening corruption");
  const std::uint64_t operations = files_->operations();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Get("k"), "MISS");
    EXPECT_TRUE(std::holds_alternative<Lease>(core_->Acquire("k", {}, StaleWindow::kNone)));
    EXPECT_FALSE(Put("k").ok());
  }
  EXPECT_EQ(files_->operations(), operations);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "cache/quarantine")) << "kFail";
}

TEST_F(StoreFaultTest, WritesStayRefusedUntilTheStoreIsOpenedAnew) {
  const StoreOptions options{.path = dir_ / "store", .env = env_.get()};
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  ASSERT_OK(store);
  files_->full() = true;  // at the very first write: the memtable is empty
  EXPECT_THAT((*store)->Put("a", "1", false), HasCode(StatusCode::kResourceExhausted));
  EXPECT_THAT(Store::Probe(options), HasCode(StatusCode::kResourceExhausted));
  files_->full() = false;
  EXPECT_OK(Store::Probe(options));
  EXPECT_FALSE((*store)->Put("b", "2", false).ok());
  store = Status(StatusCode::kUnavailable, "closed");
  store = Store::Open(options);
  ASSERT_OK(store);
  EXPECT_OK((*store)->Put("c", "3", true));
}

TEST_F(StoreFaultTest, ComesBackWhenThereIsSpaceAgainAndLostNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_OK(Put("k" + std::to_string(i)));
  files_->full() = true;
  EXPECT_FALSE(Put("lost").ok());
  CareLater();
  EXPECT_EQ(State(), "degraded disk_full");
  files_->full() = false;
  CareLater();
  EXPECT_EQ(State(), "serving none");
  EXPECT_OK(Put("lost"));
  for (int i = 0; i < 100; ++i) {
    const std::string key = "k" + std::to_string(i);
    EXPECT_EQ(Get(key), "value of " + key);
  }
  EXPECT_EQ(Log().back(), "the store is serving again after 2000 ms (disk_full)");
}

TEST_F(StoreFaultTest, NearlyFullDiskTakesNoValuesButRemovals) {
  ASSERT_OK(Put("k"));
  files_->free_bytes() = internals_.reserve_bytes - 1;
  CareLater();
  EXPECT_EQ(State(), "degraded disk_full");
  EXPECT_THAT(Put("new"), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(Get("k"), "value of k");
  EXPECT_OK(core_->Remove("k"));
  files_->free_bytes() = internals_.resume_bytes;
  CareLater();
  EXPECT_OK(Put("new"));
  EXPECT_EQ(core_->GetStats().reopened, 0u);
}

TEST_F(StoreFaultTest, ObserverIsToldOfAFaultThatTheNextBeatHeals) {
  struct Recorder final : Observer {
    void OnHealth(const Health& health) override {
      states.emplace_back(HealthStateName(health.state));
    }
    std::vector<std::string> states;
  } recorder;
  ASSERT_OK(core_->Close());
  options_.observer = &recorder;
  Open();
  ASSERT_OK(Put("k"));
  CareLater();
  files_->FailOperations(1, 1, rocksdb::IOStatus::IOError("Too many open files"));
  EXPECT_FALSE(core_->CompactAll().ok());
  CareLater();
  EXPECT_EQ(recorder.states, (std::vector<std::string>{"degraded", "serving"}));
  ASSERT_OK(core_->Close());
}

// EMFILE and the like: RocksDB is stopped by it for good.
TEST_F(StoreFaultTest, AnyErrorOfAFlushIsHealedByReopening) {
  ASSERT_OK(Put("k"));
  files_->FailOperations(1, 1, rocksdb::IOStatus::IOError("Too many open files"));
  EXPECT_FALSE(core_->CompactAll().ok());
  EXPECT_EQ(State(), "degraded io_error") << "seen when it failed, not at the next put";
  CareLater();
  EXPECT_EQ(State(), "serving none");
  EXPECT_EQ(Get("k"), "value of k");
  EXPECT_OK(core_->CompactAll());
}

TEST_F(StoreFaultTest, VolumeThatBecomesReadOnlyIsReadOnAndHealed) {
  ASSERT_OK(Put("k"));
  files_->read_only() = true;
  EXPECT_FALSE(Put("new").ok());
  CareLater();
  EXPECT_EQ(State(), "degraded io_error");
  EXPECT_EQ(Get("k"), "value of k");
  files_->read_only() = false;
  CareLater();
  EXPECT_EQ(State(), "serving none");
  EXPECT_OK(Put("new"));
}

TEST_F(StoreFaultTest, StoreThatCannotBeReadAtAllIsLeftAloneUntilItCan) {
  ASSERT_OK(Put("k"));
  ASSERT_OK(core_->CompactAll());
  Reopen();
  files_->reads_fail() = true;
  files_->read_only() = true;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(State(), "degraded io_error");
  const std::uint64_t operations = files_->operations();
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(files_->operations(), operations);
  files_->reads_fail() = false;
  files_->read_only() = false;
  CareLater();
  EXPECT_EQ(Get("k"), "value of k");
}

TEST_F(StoreFaultTest, CorruptStoreIsQuarantinedAndServesEmpty) {
  ASSERT_OK(Put("k"));
  files_->full() = true;
  EXPECT_FALSE(Put("x").ok());
  DamageManifest();
  files_->full() = false;
  CareLater();
  EXPECT_EQ(State(), "serving none");
  EXPECT_EQ(core_->GetStats().quarantined, 1u);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "cache/quarantine/store"));
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_OK(Put("k"));
}

// The store is quarantined while it is opened anew, and its tombstones with it.
TEST_F(StoreFaultTest, RemovalOutlivesTheStoreItWasWrittenTo) {
  Acquired slow = core_->Acquire("k", {}, StaleWindow::kNone);
  ASSERT_OK(core_->Remove("k"));
  files_->full() = true;
  EXPECT_FALSE(Put("x").ok());
  DamageManifest();
  files_->full() = false;
  CareLater();
  ASSERT_EQ(core_->GetStats().quarantined, 1u);
  std::get<Lease>(slow).Commit("from before the removal", {});
  EXPECT_EQ(Get("k"), "MISS");
}

// RocksDB's own LOG on the full disk is what ends the process elsewhere; here there is none.
TEST_F(StoreFaultTest, StoreWritesNoLogOfItsOwnBesideTheData) {
  ASSERT_OK(Put("k"));
  ASSERT_OK(core_->CompactAll());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "cache/store/LOG"));
}

TEST_F(StoreFaultTest, LogFunctionThatThrowsHarmsNobody) {
  options_.log = [](LogLevel, std::string_view) { throw std::runtime_error("log"); };
  Reopen();
  files_->full() = true;
  EXPECT_FALSE(Put("k").ok());
  EXPECT_EQ(State(), "degraded disk_full");
}

// The steward and the watchdog do it all by themselves; here they look every second.
TEST_F(StoreFaultTest, CacheWithItsThreadsComesBackByItself) {
  ASSERT_OK(core_->Close());
  core_.reset();
  Options options;
  options.directory = dir_ / "cache";
  Result<std::unique_ptr<Cache>> cache = OpenCache(options, {.env = env_.get()});
  ASSERT_OK(cache);
  files_->full() = true;
  EXPECT_THAT((*cache)->Put("k", "v"), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ((*cache)->GetHealth().reason, HealthReason::kDiskFull);
  files_->full() = false;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!(*cache)->Put("k", "v").ok() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_TRUE((*cache)->Get("k").has_value());
}

}  // namespace
}  // namespace larder
