// Which marks say of which recovered stores that writes were lost.
#include "store_mark.h"

#include <gmock/gmock.h>

namespace larder {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Log 5 is in tables; the writes from 100 on are in 7 and 9, and all up to 150 are synced.
constexpr StoreMark kMark = {.sequence = 150, .gone = 5, .logs = {7, 9}};

RecoveredStore Whole() {
  return {.sequence = 160, .first_log = 7, .runs = {{7, 100, 130}, {9, 131, 160}}};
}

TEST(StoreMarkTest, NothingIsMissingFromAWholeStore) {
  EXPECT_THAT(FindLostWrites(kMark, Whole()), IsEmpty());
}

TEST(StoreMarkTest, WritesAfterTheMarkMayBeLost) {
  RecoveredStore store = Whole();
  store.runs.back().last = 150;
  store.sequence = 150;
  EXPECT_THAT(FindLostWrites(kMark, store), IsEmpty());
  store.runs.back().last = 149;
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("its logs end at 149, 150 was noted"))
      << "whatever the manifest's sequence number is";
  store.sequence = 149;
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("it is at 149, 150 was noted"));
}

TEST(StoreMarkTest, ALogThatIsMissingIsNoticed) {
  RecoveredStore store = Whole();
  store.runs.erase(store.runs.begin());
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("its logs end at 0"));
  store = Whole();
  store.runs.pop_back();
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("its logs end at 130"));
  store.runs.clear();
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("its logs end at 0"));
  store.first_log.reset();
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("its logs are missing"));
}

TEST(StoreMarkTest, AStoreWithoutTablesNeedsAllLogs) {
  const StoreMark mark{.sequence = 30, .gone = 0, .logs = {4}};
  EXPECT_THAT(FindLostWrites(mark, {.sequence = 40, .first_log = 0, .runs = {{4, 1, 40}}}),
              IsEmpty());
  EXPECT_THAT(FindLostWrites(mark, {.sequence = 40, .first_log = 0, .runs = {}}),
              HasSubstr("its logs end at 0"));
}

TEST(StoreMarkTest, AGapInALogIsNoticed) {
  RecoveredStore store = Whole();
  store.runs.front().last = 129;
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("its logs end at 129"));
}

TEST(StoreMarkTest, LogsAreNotNeededWhenTheirWritesAreInTables) {
  EXPECT_THAT(FindLostWrites(kMark, {.sequence = 160, .first_log = 9, .runs = {{9, 131, 160}}}),
              IsEmpty());
  EXPECT_THAT(FindLostWrites(kMark, {.sequence = 160, .first_log = 10, .runs = {}}), IsEmpty());
  RecoveredStore store = Whole();
  store.first_log = 9;
  EXPECT_THAT(FindLostWrites(kMark, store), IsEmpty()) << "one that was not deleted yet";
}

// The end of the manifest is lost, and so are tables whose log had been deleted.
TEST(StoreMarkTest, AManifestThatFallsBehindItsDeletedLogsIsNoticed) {
  RecoveredStore store = Whole();
  store.first_log = 5;
  EXPECT_THAT(FindLostWrites(kMark, store), HasSubstr("log 5 is not in its manifest's tables"));
  store.first_log = 6;
  EXPECT_THAT(FindLostWrites(kMark, store), IsEmpty()) << "a number that no log ever had";
}

TEST(StoreMarkTest, AMarkWithoutLogsGoesByTheSequenceNumberAlone) {
  EXPECT_THAT(FindLostWrites({.sequence = 150}, {.sequence = 150}), IsEmpty());
  EXPECT_THAT(FindLostWrites({.sequence = 150}, {.sequence = 149}), HasSubstr("it is at 149"));
}

}  // namespace
}  // namespace larder
