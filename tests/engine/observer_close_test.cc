// An observer may call the cache from any of its callbacks, also Close: which must not wait for
// the thread that it is called on.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "cache_core.h"
#include "fake_clock.h"
#include "faulty_file_system.h"
#include "larder/cache.h"
#include "larder/observer.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

class Closer final : public Observer {
 public:
  void OnHit(const Hit& /*hit*/) override { Close("hit"); }
  void OnMiss(std::string_view /*key*/, MissReason /*reason*/) override { Close("miss"); }
  void OnStored(const Stored& /*stored*/) override { Close("stored"); }
  void OnRefused(const Refused& /*refused*/) override { Close("refused"); }
  void OnInvalidated(const Invalidated& invalidated) override {
    Close(invalidated.removed.empty() ? "invalidated" : "removed");
  }
  void OnHealth(const Health& /*health*/) override { Close("health"); }

  Cache* cache = nullptr;
  std::string at;  // in which of them
  std::promise<Status> closed;

 private:
  void Close(const std::string& where) {
    if (where == at && cache != nullptr) closed.set_value(std::exchange(cache, nullptr)->Close());
  }
};

struct Case {
  const char* at;
  std::function<void(Cache&)> call;
  bool disk_full = false;  // from before the call until the callback
};

class ObserverCloseTest : public ::testing::TestWithParam<Case> {};

TEST_P(ObserverCloseTest, CloseFromACallbackReturnsAtOnceAndTheCacheIsClosedAfterIt) {
  testing::TempDir dir;
  testing::FakeClock clock;
  Closer observer;
  Options options;
  options.directory = dir / "cache";
  options.clock = &clock;
  options.observer = &observer;
  const auto files = std::make_shared<testing::FaultyFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  // Waiting for the closing would take this long: the test would not end.
  const CacheInternals internals{.env = env.get(), .close_patience = std::chrono::hours(1)};
  Result<std::unique_ptr<Cache>> opened = OpenCache(options, internals);
  ASSERT_OK(opened);
  const std::unique_ptr<Cache> cache = *std::move(opened);
  ASSERT_OK(cache->Put("there", "v"));
  observer.at = GetParam().at;
  observer.cache = cache.get();
  files->full() = GetParam().disk_full;
  GetParam().call(*cache);
  const Status said = observer.closed.get_future().get();
  files->full() = false;
  EXPECT_EQ(said.code(), StatusCode::kUnavailable) << "it cannot be done yet";
  EXPECT_OK(cache->Close()) << "not from a callback: waits until it is done";
  EXPECT_FALSE(cache->Get("there").has_value());
  options.observer = nullptr;
  const Result<std::unique_ptr<Cache>> again = OpenCache(options, internals);
  ASSERT_OK(again);
  EXPECT_TRUE((*again)->Get("there").has_value());
}

Result<Computed> Load() { return Computed{"v"}; }

INSTANTIATE_TEST_SUITE_P(
    EachCallback, ObserverCloseTest,
    ::testing::Values(
        Case{"hit", [](Cache& cache) { cache.Get("there"); }},
        Case{"hit",
             [](Cache& cache) {
               const std::string_view keys[] = {"there"};
               cache.MultiGet(keys);
             }},
        Case{"miss", [](Cache& cache) { cache.Get("not there"); }},
        Case{"stored", [](Cache& cache) { static_cast<void>(cache.Put("new", "v")); }},
        Case{"stored",
             [](Cache& cache) {  // on the thread that writes in the background
               static_cast<void>(cache.GetOrCompute("new", {}, Load));
             }},
        Case{"refused",
             [](Cache& cache) { static_cast<void>(cache.Put("new", "v", {.ttl = Duration(0)})); }},
        Case{"removed", [](Cache& cache) { static_cast<void>(cache.Remove("other")); }},
        Case{"invalidated",
             [](Cache& cache) { static_cast<void>(cache.Invalidate({.tags = {"t"}})); }},
        Case{"health",  // on the thread that looks after the store
             [](Cache& cache) { static_cast<void>(cache.Put("new", "v")); }, /*disk_full=*/true}));

}  // namespace
}  // namespace larder
