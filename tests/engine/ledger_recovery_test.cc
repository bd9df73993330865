// A ledger beside a store that lost something, or a journal that did, or neither of which is there
// yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger.h"
#include "ledger_fixture.h"
#include "status_matchers.h"

namespace larder {
namespace {

using ::testing::Contains;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::InvalidateTags;
using ::testing::IsEmpty;
using testing::LedgerTest;

TEST_F(LedgerTest, AMissingJournalBesideRowsInvalidatesThemAll) {
  const std::uint64_t number = ledger_->Next();
  options_.saved_number_bound = ledger_->NumberBound();
  ASSERT_OK(files_.Remove(options_.path));
  Reopen();
  EXPECT_FALSE(Holds(number, {}));
  EXPECT_GT(ledger_->Next(), number);
  EXPECT_TRUE(Holds(ledger_->Last(), {}));
  EXPECT_THAT(errors_, Contains(HasSubstr("is missing; all entries are invalidated")));
  const std::uint64_t after = ledger_->Last();
  errors_.clear();
  Reopen();
  EXPECT_TRUE(Holds(after, {})) << "once, not at every open";
  EXPECT_FALSE(Holds(number, {}));
  EXPECT_THAT(errors_, IsEmpty());
}

// There may be rows in a backup.
TEST_F(LedgerTest, AMissingJournalWhereNumbersWereGivenOutInvalidatesThemAll) {
  const std::uint64_t number = ledger_->Next();
  options_.saved_number_bound = ledger_->NumberBound();
  ledger_.reset();
  ASSERT_OK(files_.Remove(options_.path));
  options_.store_has_rows = false;
  Open();
  EXPECT_FALSE(Holds(number, {}));
  EXPECT_TRUE(Holds(ledger_->Next(), {}));
}

TEST_F(LedgerTest, AMissingJournalBesideRowsOfUnknownNumbersIsDataLoss) {
  ledger_.reset();
  options_.store_has_rows = true;
  ASSERT_OK(files_.Remove(options_.path));
  EXPECT_THAT(Ledger::Open(options_), HasCode(StatusCode::kDataLoss));
  EXPECT_FALSE(files_.Exists(options_.path)) << "or the next open would trust the rows";
  options_.store_has_rows = false;
  EXPECT_OK(Ledger::Open(options_));
}

TEST_F(LedgerTest, AnUnreadableHeaderBesideRowsOfUnknownNumbersIsDataLoss) {
  ledger_.reset();
  options_.store_has_rows = true;
  files_.Write(options_.path, std::string(10'000, 'x'));
  EXPECT_THAT(Ledger::Open(options_), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(Ledger::Open(options_), HasCode(StatusCode::kDataLoss)) << "until the store is gone";
}

TEST_F(LedgerTest, AStoreThatLostSyncedWritesIsInvalidatedWhole) {
  const std::uint64_t number = ledger_->Next();
  ASSERT_OK(ledger_->NoteSynced({.sequence = 500}));
  ASSERT_OK(ledger_->NoteSynced({.sequence = 400}));  // of a slower thread
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 500}));
  EXPECT_TRUE(Holds(number, {}));
  files_.LosePower();
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 499}));
  EXPECT_FALSE(Holds(number, {}));
  EXPECT_THAT(errors_, Contains(HasSubstr("the store lost synced writes: it is at 499, 500")));
  const std::uint64_t after = ledger_->Next();
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 499}));
  EXPECT_FALSE(Holds(number, {})) << "the raised floor is on disk";
  EXPECT_TRUE(Holds(after, {})) << "and is raised once";
}

TEST_F(LedgerTest, AStoreOpenedAnewThatLostSyncedWritesIsInvalidatedWhole) {
  const std::uint64_t lease = ledger_->Next();
  ASSERT_OK(ledger_->NoteSynced({.sequence = 500}));
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 500}));
  EXPECT_TRUE(Holds(lease, {}));
  files_.FailAt(0, 1'000'000);
  EXPECT_THAT(ledger_->StoreRecovered({.sequence = 499}), HasCode(StatusCode::kUnavailable));
  EXPECT_FALSE(Holds(lease, {})) << "open leases are covered too";
  files_.Heal();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 499}));
  const std::uint64_t after = ledger_->Next();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 499}));
  EXPECT_TRUE(Holds(after, {})) << "once";
  files_.LosePower();
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 499}));
  EXPECT_FALSE(Holds(lease, {}));
  EXPECT_TRUE(Holds(after, {}));
}

// While it is opened its sequence number is not known yet.
TEST_F(LedgerTest, AStoreIsJudgedByItsLogsAlone) {
  const std::uint64_t number = ledger_->Next();
  ASSERT_OK(ledger_->NoteSynced({.sequence = 500, .gone = 7, .logs = {9}}));
  ASSERT_OK(ledger_->StoreRecovered({.first_log = 9, .runs = {{9, 400, 500}}}));
  EXPECT_TRUE(Holds(number, {}));
  ASSERT_OK(ledger_->StoreRecovered({.first_log = 9, .runs = {{9, 400, 499}}}));
  EXPECT_FALSE(Holds(number, {}));
  const std::uint64_t after = ledger_->Next();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 499, .first_log = 9, .runs = {{9, 400, 499}}}));
  EXPECT_TRUE(Holds(after, {})) << "once";
}

// A log that is gone from under the manifest's later sequence number.
TEST_F(LedgerTest, AStoreThatLostALogIsInvalidatedWhole) {
  const std::uint64_t number = ledger_->Next();
  ASSERT_OK(ledger_->NoteSynced({.sequence = 500, .gone = 7, .logs = {9}}));
  RecoveredStore store{.sequence = 600, .first_log = 9, .runs = {{9, 400, 500}}};
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered(store));
  EXPECT_TRUE(Holds(number, {}));
  store.runs.clear();
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered(store));
  EXPECT_FALSE(Holds(number, {}));
  EXPECT_THAT(errors_, Contains(HasSubstr("its logs end at 0, 500 was noted")));
  const std::uint64_t after = ledger_->Next();
  ASSERT_OK(ledger_->StoreRecovered(store));
  EXPECT_TRUE(Holds(after, {})) << "once";
  ASSERT_OK(ledger_->NoteSynced({.sequence = 700, .gone = 9, .logs = {}}));
  EXPECT_OK(ledger_->StoreRecovered({.sequence = 800, .first_log = 9, .runs = {}}));
  EXPECT_FALSE(Holds(after, {}));
}

// What was moved aside or lost whole cannot bring anything back.
TEST_F(LedgerTest, AStoreWithoutRowsHasNothingToFear) {
  const std::uint64_t number = ledger_->Next();
  ASSERT_OK(ledger_->NoteSynced({.sequence = 500}));
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 0}));
  EXPECT_TRUE(Holds(number, {}));
  ASSERT_OK(ledger_->NoteSynced({.sequence = 7}));
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 7}));
  EXPECT_TRUE(Holds(number, {})) << "what is noted is of the new store";
  options_.store_has_rows = false;
  ledger_.reset();
  Open();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 0}));
  EXPECT_TRUE(Holds(number, {}));
  EXPECT_EQ(ledger_->floor(), 0u);
}

}  // namespace
}  // namespace larder
