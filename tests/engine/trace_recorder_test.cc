#include "larder/trace_recorder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "hot_tier.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT

class CountingObserver final : public Observer {
 public:
  void OnHit(const Hit& /*hit*/) override { ++hits; }
  void OnMiss(std::string_view /*key*/, MissReason /*reason*/) override { ++misses; }
  void OnStored(const Stored& /*stored*/) override { ++stored; }
  int hits = 0;
  int misses = 0;
  int stored = 0;
};

class TraceRecorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<TraceRecorder>> recorder = TraceRecorder::Create(path_, &next_);
    ASSERT_OK(recorder);
    recorder_ = *std::move(recorder);
    Options options;
    options.directory = dir_ / "cache";
    options.observer = recorder_.get();
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  std::string Recorded() {
    EXPECT_OK(recorder_->Flush());
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string Row(const std::string& key, std::uint64_t cost) {
    char row[80];
    std::snprintf(row, sizeof(row), "%016llx,%llu,%llu\n",
                  static_cast<unsigned long long>(HotTier::HashKey(key)),
                  static_cast<unsigned long long>(cache_->Peek(key)->entry.stored_bytes()),
                  static_cast<unsigned long long>(cost));
    return row;
  }

  testing::TempDir dir_;
  const std::string path_ = dir_ / "trace.csv";
  CountingObserver next_;
  std::unique_ptr<TraceRecorder> recorder_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(TraceRecorderTest, ARowForEachHitAndEachValueStoredInTheirOrder) {
  cache_->Get("absent");
  ASSERT_OK(cache_->Put("priced", "body", {.cost_microusd = 4200}));
  ASSERT_OK(cache_->Put("timed", "another body", {.compute_time = 30ms}));
  cache_->Get("priced");
  EXPECT_EQ(Recorded(),
            "key,size,miss_cost\n" + Row("priced", 4200) + Row("timed", 30) + Row("priced", 4200));
  EXPECT_EQ(recorder_->rows(), 3u);
}

TEST_F(TraceRecorderTest, TellsTheNextObserverAll) {
  cache_->Get("absent");
  ASSERT_OK(cache_->Put("a", "body"));
  cache_->Get("a");
  EXPECT_EQ(next_.hits, 1);
  EXPECT_EQ(next_.misses, 1);
  EXPECT_EQ(next_.stored, 1);
}

TEST_F(TraceRecorderTest, HoldsNoKeyAndIsForItsOwnerOnly) {
  ASSERT_OK(cache_->Put("a secret key", "body"));
  EXPECT_EQ(Recorded().find("secret"), std::string::npos);
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(TraceRecorderTest, AFullDiskEndsTheRecordingAndNotTheCache) {
  Result<std::unique_ptr<TraceRecorder>> full = TraceRecorder::Create("/dev/full");
  ASSERT_OK(full);
  (*full)->OnHit({.key = "k", .stored_bytes = 1});
  EXPECT_EQ((*full)->Flush().code(), StatusCode::kUnavailable);
  (*full)->OnHit({.key = "k", .stored_bytes = 1});
  EXPECT_EQ((*full)->rows(), 1u);
  EXPECT_EQ(TraceRecorder::Create("/no/such/place").status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace larder
