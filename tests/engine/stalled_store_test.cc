// P7 while RocksDB is behind: it takes no writes until it has caught up, and they are tried again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "faulty_cache.h"
#include "store.h"

namespace larder {
namespace {

using testing::FaultyFileSystem;
using ::testing::HasSubstr;

class StalledStoreTest : public testing::FaultyCacheTest {
 protected:
  StalledStoreTest() {
    internals_.write_buffer_bytes = std::uint64_t{64} << 10;
    options_.compression.level = 0;
    Reopen();
  }
  // Nothing gets to a table, until memory for more is refused.
  void Stall() {
    core_->Care();  // starts merges, which syncs
    files_->Hang(FaultyFileSystem::Kind::kSync);
    Status status;
    for (int i = 0; status.ok(); ++i) {
      status = core_->Put("filler " + std::to_string(i), std::string(3000, 'f'), {}).status();
    }
    ASSERT_THAT(status.message(), HasSubstr("behind with its merges"));
  }
  Acquired Acquire() { return core_->Acquire("k", {}, StaleWindow::kNone); }
};

TEST_F(StalledStoreTest, RemovalThatIsTriedAgainLeavesTheComputationToWhoHasIt) {
  Stall();
  Acquired first = Acquire();
  ASSERT_TRUE(std::holds_alternative<Lease>(first));
  Status removed(StatusCode::kInternal, "not called");
  std::thread remover([&] { removed = core_->Remove("k"); });
  const std::uint64_t before = core_->LastNumber();
  while (core_->LastNumber() < before + 4) std::this_thread::yield();  // a try takes a number
  const bool shared = std::holds_alternative<Flight>(Acquire());
  const std::uint64_t later = core_->LastNumber();
  while (core_->LastNumber() < later + 4) std::this_thread::yield();
  const bool shared_on = std::holds_alternative<Flight>(Acquire());
  files_->Release();
  remover.join();
  EXPECT_TRUE(shared);
  EXPECT_TRUE(shared_on);
  EXPECT_OK(removed);
  EXPECT_TRUE(std::holds_alternative<Lease>(Acquire())) << "that one is older than the removal";
  EXPECT_EQ(std::get<Lease>(first).Commit("v").outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_F(StalledStoreTest, DamagedRowThatCannotBeDroppedYetIsComputedByOne) {
  ASSERT_OK(core_->Close());
  core_.reset();
  {
    StoreOptions options;
    options.path = dir_ / "cache/store";
    Result<std::unique_ptr<Store>> store = Store::Open(options);
    ASSERT_OK(store);
    ASSERT_OK((*store)->Put("k", "no row of ours", false));
  }
  Open();
  Stall();
  const Acquired first = Acquire();
  ASSERT_TRUE(std::holds_alternative<Lease>(first));
  EXPECT_TRUE(std::holds_alternative<Flight>(Acquire()));
  EXPECT_TRUE(std::holds_alternative<Flight>(Acquire()));
  files_->Release();
}

}  // namespace
}  // namespace larder
