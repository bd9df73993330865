// AcquireInMemory: what an event loop may ask, which never touches the disk.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>

#include "faulty_cache.h"

namespace larder {
namespace {

using testing::FaultyFileSystem;

// Without a hot tier: what is in memory is what RocksDB keeps there.
class AcquireInMemoryTest : public testing::FaultyCacheTest {
 protected:
  std::optional<Acquired> Acquire(const std::string& key) {
    const std::uint64_t before = files_->operations();
    std::optional<Acquired> acquired = core_->AcquireInMemory(key, {});
    EXPECT_EQ(files_->operations(), before) << "the disk was touched";
    return acquired;
  }
  // "lease", "flight", the body of a hit, or "unknown".
  std::string Outcome(const std::string& key) {
    const std::optional<Acquired> acquired = Acquire(key);
    if (!acquired) return "unknown";
    if (std::holds_alternative<Lease>(*acquired)) return "lease";
    if (std::holds_alternative<Flight>(*acquired)) return "flight";
    return std::string(std::get<Hit>(*acquired).entry.body());
  }
};

TEST_F(AcquireInMemoryTest, KeyThatIsNowhereIsLeased) {
  std::optional<Acquired> acquired = Acquire("k");
  ASSERT_TRUE(acquired && std::holds_alternative<Lease>(*acquired));
  EXPECT_EQ(Outcome("k"), "flight");
  EXPECT_EQ(std::get<Lease>(*acquired).Commit("v", {}).outcome, PutOutcome::kStored);
  EXPECT_EQ(core_->GetStats().misses_absent, 1u);
  EXPECT_EQ(Outcome("k"), "v");
}

TEST_F(AcquireInMemoryTest, WhatOnlyTheDiskKnowsIsUnknownUntilItIsRead) {
  ASSERT_OK(Put("k"));
  Reopen();
  ASSERT_OK(core_->CompactAll());
  Reopen();
  EXPECT_EQ(Outcome("k"), "unknown");
  EXPECT_EQ(core_->GetStats().misses_absent, 0u) << "not a miss: nobody knows yet";
  EXPECT_EQ(Get("k"), "value of k");
  EXPECT_EQ(Outcome("k"), "value of k");
}

TEST_F(AcquireInMemoryTest, FiltersTellWhatATableDoesNotHold) {
  ASSERT_OK(Put("k"));
  ASSERT_OK(core_->CompactAll());
  Reopen();
  EXPECT_EQ(Get("k"), "value of k");  // now the filter is in memory
  EXPECT_EQ(Outcome("another"), "lease");
}

TEST_F(AcquireInMemoryTest, LargeBodiesAreLeftToAnotherThread) {
  const std::string large(std::size_t{65} << 10, 'a');
  ASSERT_OK(core_->Put("large", large, {}));
  EXPECT_EQ(Outcome("large"), "unknown");
  const std::string small(std::size_t{64} << 10, 'a');
  ASSERT_OK(core_->Put("small", small, {}));
  EXPECT_EQ(Outcome("small"), small);
}

TEST_F(AcquireInMemoryTest, DiskThatHangsHoldsNobodyUp) {
  ASSERT_OK(Put("k"));
  Reopen();
  ASSERT_OK(core_->CompactAll());
  Reopen();
  files_->Hang(FaultyFileSystem::Kind::kRead);
  EXPECT_EQ(Outcome("k"), "unknown");
}

TEST_F(AcquireInMemoryTest, RefreshNeedsNoLook) {
  ASSERT_OK(Put("k"));
  const std::optional<Acquired> acquired = core_->AcquireInMemory("k", {.newer_than = kRefresh});
  ASSERT_TRUE(acquired);
  EXPECT_TRUE(std::holds_alternative<Lease>(*acquired));
}

TEST_F(AcquireInMemoryTest, KeyThatIsTooLongIsAMissThatIsNotStored) {
  std::optional<Acquired> acquired = Acquire(std::string(2000, 'k'));
  ASSERT_TRUE(acquired && std::holds_alternative<Lease>(*acquired));
  const Committed committed = std::get<Lease>(*acquired).Commit("v", {});
  EXPECT_EQ(committed.status.code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace larder
