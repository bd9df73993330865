// The journal: what is written comes back, whatever happens on the way.
#include "journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "journal_fixture.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::MemoryJournalFiles;

TEST_F(JournalTest, NothingIsFoundWhereNoFileIs) {
  const Reading reading = ReadBack();
  EXPECT_FALSE(reading.contents.found);
  EXPECT_THAT(reading.contents.damage, IsEmpty());
}

TEST_F(JournalTest, RecordsAndHeaderComeBack) {
  WriteFour();
  const Reading reading = ReadBack();
  EXPECT_TRUE(reading.contents.found);
  EXPECT_THAT(reading.contents.damage, IsEmpty());
  EXPECT_EQ(reading.contents.header, (JournalHeader{100, kMark}));
  EXPECT_THAT(reading.records, ElementsAreArray(four_));
}

TEST_F(JournalTest, AppendingGoesOnAfterReading) {
  WriteFour();
  auto journal = Make();
  ReadBack(*journal);
  ASSERT_TRUE(journal->usable());
  ASSERT_OK(journal->Append(std::vector{Tag(6, 66)}, journal->header()));
  EXPECT_EQ(ReadBack().records.back(), Tag(6, 66));
}

TEST_F(JournalTest, HasTheRoomAskedForAndNoMore) {
  auto journal = Make();
  EXPECT_FALSE(journal->usable());
  ASSERT_OK(journal->Rewrite({.number_bound = 100}, Holding({Tag(1, 11)})));
  EXPECT_TRUE(journal->HasRoomFor(std::vector<JournalRecord>(kRoom)));
  EXPECT_FALSE(journal->HasRoomFor(std::vector<JournalRecord>(kRoom + 1)));
  const std::size_t size = files_.Read(kPath).size();
  EXPECT_EQ(size, kRecordsAt + (1 + kRoom) * 32) << "preallocated";
  ASSERT_OK(journal->Append(std::vector(kRoom, Tag(2, 22)), journal->header()));
  EXPECT_FALSE(journal->HasRoomFor(std::vector<JournalRecord>(1)));
  EXPECT_EQ(files_.Read(kPath).size(), size) << "appending never grows the file";
}

TEST_F(JournalTest, AcknowledgedRecordsSurviveLossOfPower) {
  WriteFour();
  files_.LosePower();
  const Reading reading = ReadBack();
  EXPECT_THAT(reading.contents.damage, IsEmpty());
  EXPECT_THAT(reading.records, ElementsAreArray(four_));
}

TEST_F(JournalTest, ANewBoundIsInBothHeaderCopies) {
  WriteFour();
  auto journal = Make();
  ReadBack(*journal);
  ASSERT_OK(journal->Append({}, {.number_bound = 200, .mark = {.sequence = 7}}));
  for (const std::size_t copy : {0, 4096}) {
    const std::string whole = files_.Read(kPath);
    std::string damaged = whole;
    damaged[copy + 20] ^= 1;
    files_.Write(kPath, damaged);
    const Reading reading = ReadBack();
    EXPECT_EQ(reading.contents.header.number_bound, 200U);
    EXPECT_THAT(reading.contents.damage, HasSubstr("bad header copy"));
    files_.Write(kPath, whole);
  }
}

// Damage may hide records, never silently; and what is not damaged is unchanged.
std::vector<JournalRecord> OneOfEachKind() {
  const TimePoint time{Duration(1'764'000'000'123)};
  return {Tag(3, 0xa1),
          {.number = 4, .kind = JournalKind::kPrefix, .prefix = "ten bytes!"},
          {.number = 4, .kind = JournalKind::kPrefix, .prefix = "eight by"},
          {.number = 5, .value = 7, .kind = JournalKind::kSoftTag, .time = time},
          {.number = 6, .kind = JournalKind::kSoftFloor, .time = time},
          {.number = 7,
           .kind = JournalKind::kSoftPrefix,
           .prefix = std::string(1024, '\xff'),
           .time = time},
          Floor(8)};
}

TEST_F(JournalTest, RecordsOfEveryKindComeBack) {
  for (const bool rewritten : {false, true}) {
    const std::vector<JournalRecord> records = OneOfEachKind();
    auto journal = std::make_unique<Journal>(files_, kPath, 200);
    ASSERT_OK(
        journal->Rewrite({.number_bound = 9}, Holding(rewritten ? records : decltype(records){})));
    if (!rewritten) {
      ASSERT_OK(journal->Append(records, journal->header()));
    }
    const Reading reading = ReadBack();
    EXPECT_EQ(reading.contents.damage, "");
    EXPECT_THAT(reading.records, ElementsAreArray(records));
  }
}

TEST_F(JournalTest, APrefixTakesACellForEachEightBytes) {
  const std::vector<JournalRecord> records = OneOfEachKind();
  EXPECT_EQ(CellCount(records), 7U + 2 + 1 + 128);
  auto journal = std::make_unique<Journal>(files_, kPath, CellCount(records));
  ASSERT_OK(journal->Rewrite({.number_bound = 9}, Holding({})));
  EXPECT_TRUE(journal->HasRoomFor(records));
  ASSERT_OK(journal->Append(records, journal->header()));
  EXPECT_FALSE(journal->HasRoomFor(std::vector{Tag(9, 9)}));
}

// What a crash in the middle of a write leaves: its first cells, and the rest as it was.
TEST_F(JournalTest, APrefixCutOffByACrashIsLeftOutAndWritingGoesOn) {
  const JournalRecord prefix{
      .number = 4, .kind = JournalKind::kPrefix, .prefix = "twenty-four bytes long.."};
  for (std::size_t cells = 1; cells < 4; ++cells) {
    auto journal = std::make_unique<Journal>(files_, kPath, 20);
    ASSERT_OK(journal->Rewrite({.number_bound = 9}, Holding({})));
    const std::string before = files_.Read(kPath);
    ASSERT_OK(journal->Append(std::vector{Tag(3, 1), prefix}, journal->header()));
    const std::size_t cut = kRecordsAt + 32 * (1 + cells);
    std::string bytes = files_.Read(kPath).substr(0, cut) + before.substr(cut);
    files_.Write(kPath, bytes);
    auto again = std::make_unique<Journal>(files_, kPath, 20);
    const Reading reading = ReadBack(*again);
    EXPECT_EQ(reading.contents.damage, "");
    EXPECT_THAT(reading.records, ElementsAreArray({Tag(3, 1)}));
    ASSERT_OK(again->Append(std::vector{Tag(5, 2)}, again->header()));
    EXPECT_THAT(ReadBack().records, ElementsAreArray({Tag(3, 1), Tag(5, 2)}));
  }
}

TEST_F(JournalTest, AnyFlippedByteOfAPrefixIsDamage) {
  auto journal = std::make_unique<Journal>(files_, kPath, 20);
  ASSERT_OK(journal->Rewrite({.number_bound = 9}, Holding({})));
  ASSERT_OK(journal->Append(
      std::vector<JournalRecord>{
          {.number = 4, .kind = JournalKind::kPrefix, .prefix = "ten bytes!"}},
      journal->header()));
  const std::string sound = files_.Read(kPath);
  for (std::size_t i = 0; i < 3 * 32; ++i) {
    std::string bytes = sound;
    bytes[kRecordsAt + i] = static_cast<char>(bytes[kRecordsAt + i] ^ 0x10);
    files_.Write(kPath, bytes);
    EXPECT_NE(ReadBack().contents.damage, "") << i;
  }
}

TEST_F(JournalTest, EveryFlippedByteIsNoticedOrChangesNothing) {
  WriteFour();
  const std::string whole = files_.Read(kPath);
  int noticed = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    files_.Write(kPath, damaged);
    const Reading reading = ReadBack();
    if (!reading.contents.damage.empty()) {
      ++noticed;
      continue;
    }
    ASSERT_THAT(reading.records, ElementsAreArray(four_)) << "byte " << at;
    ASSERT_EQ(reading.contents.header, (JournalHeader{100, kMark})) << "byte " << at;
  }
  EXPECT_EQ(noticed, 2 * 192 + 32 * (2 + kRoom)) << "both headers and every record's place";
}

TEST_F(JournalTest, EveryTruncationIsNoticed) {
  WriteFour();
  const std::string whole = files_.Read(kPath);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    files_.Write(kPath, whole.substr(0, size));
    ASSERT_FALSE(ReadBack().contents.damage.empty()) << size;
  }
  files_.Write(kPath, whole + '\0');
  EXPECT_FALSE(ReadBack().contents.damage.empty());
}

TEST_F(JournalTest, AGapBetweenRecordsIsDamage) {
  WriteFour();
  std::string gap = files_.Read(kPath);
  std::fill_n(gap.begin() + kRecordsAt + 2 * 32, 32, '\0');
  files_.Write(kPath, gap);
  EXPECT_THAT(ReadBack().contents.damage, HasSubstr("bad record at 2"));
}

// Also at the end, where zeros might be taken for places that were never written.
TEST_F(JournalTest, ZeroedRecordsAreDamage) {
  WriteFour();
  for (std::size_t first = 0; first < 4; ++first) {
    std::string zeroed = files_.Read(kPath);
    const auto from = zeroed.begin() + static_cast<std::ptrdiff_t>(kRecordsAt + first * 32);
    std::fill(from, zeroed.end(), '\0');
    MemoryJournalFiles files;
    files.Write(kPath, zeroed);
    Journal journal(files, kPath, kRoom);
    EXPECT_FALSE(ReadBack(journal).contents.damage.empty()) << first;
  }
}

TEST_F(JournalTest, ARecordInAnothersPlaceIsDamage) {
  WriteFour();
  std::string swapped = files_.Read(kPath);
  std::swap_ranges(swapped.begin() + kRecordsAt, swapped.begin() + kRecordsAt + 32,
                   swapped.begin() + kRecordsAt + 32);
  files_.Write(kPath, swapped);
  EXPECT_THAT(ReadBack().contents.damage, HasSubstr("bad record at 0"));
}

TEST_F(JournalTest, WhatTheMediumCannotReadIsDamageAndTheRestIsRead) {
  WriteFour();
  files_.SpoilReads(kRecordsAt, kRecordsAt + 1);
  Reading reading = ReadBack();
  EXPECT_THAT(reading.contents.damage, HasSubstr("cannot be read"));
  EXPECT_EQ(reading.contents.header.number_bound, 100U);
  files_.SpoilReads(0, 1);
  reading = ReadBack();
  EXPECT_THAT(reading.contents.damage, HasSubstr("bad header copy"));
  EXPECT_THAT(reading.records, ElementsAreArray(four_));
}

TEST_F(JournalTest, ADamagedFileIsNotWrittenTo) {
  WriteFour();
  std::string damaged = files_.Read(kPath);
  damaged.back() = 1;
  files_.Write(kPath, damaged);
  auto journal = Make();
  ReadBack(*journal);
  EXPECT_FALSE(journal->usable());
}

TEST_F(JournalTest, AfterAFailureTheFileIsNotUsedAgain) {
  WriteFour();
  for (std::uint64_t n = 0; n < 2; ++n) {  // the write, the sync
    auto journal = Make();
    ReadBack(*journal);
    files_.FailAt(n);
    EXPECT_EQ(journal->Append(std::vector{Tag(6, 66)}, journal->header()).code(),
              StatusCode::kUnavailable);
    EXPECT_FALSE(journal->usable());
    ASSERT_OK(journal->Rewrite({.number_bound = 100, .mark = kMark}, Holding(four_)));
    EXPECT_TRUE(journal->usable());
    files_.LosePower();
    EXPECT_THAT(ReadBack().records, ElementsAreArray(four_));
  }
}

TEST_F(JournalTest, AFailedRewriteLeavesTheOldOrTheNew) {
  bool failed = true;
  for (std::uint64_t n = 0; failed; ++n) {
    WriteFour();
    auto journal = Make();
    ReadBack(*journal);
    const std::vector<JournalRecord> more = {Floor(5), Tag(6, 66)};
    files_.FailAt(n);
    const Status status = journal->Rewrite({.number_bound = 100, .mark = kMark}, Holding(more));
    failed = files_.has_failed();
    EXPECT_EQ(status.ok(), !failed) << n;
    EXPECT_EQ(journal->usable(), !failed) << n;
    files_.Heal();
    files_.LosePower();
    const Reading reading = ReadBack();
    EXPECT_THAT(reading.contents.damage, IsEmpty()) << n;
    EXPECT_TRUE(reading.records == more || (failed && reading.records == four_)) << n;
  }
}

// A process is killed between the rename and the sync of the directory; the next one appends, and
// then power is lost.
TEST_F(JournalTest, WhatIsAppendedToAFileThatAKilledProcessRenamedLasts) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    MemoryJournalFiles files(seed);
    Journal older(files, kPath, kRoom);
    ASSERT_OK(older.Rewrite({.number_bound = 5}, Holding({Tag(3, 33)})));
    Journal newer(files, "dir/newer", kRoom);
    ASSERT_OK(newer.Rewrite({.number_bound = 9}, Holding({Tag(3, 33), Tag(4, 44)})));
    ASSERT_OK(files.Rename("dir/newer", kPath));

    Journal next(files, kPath, kRoom);
    ReadBack(next);
    ASSERT_TRUE(next.usable());
    ASSERT_OK(next.Append(std::vector{Tag(5, 55)}, next.header()));
    files.LosePower();
    Journal last(files, kPath, kRoom);
    EXPECT_THAT(ReadBack(last).records, ElementsAreArray({Tag(3, 33), Tag(4, 44), Tag(5, 55)}))
        << "seed " << seed;
  }
}

TEST_F(JournalTest, AFileWhoseNameMayNotLastIsNotAppendedTo) {
  WriteFour();
  const std::uint64_t before = files_.operations();
  ReadBack();
  files_.FailAt(files_.operations() - before - 1);  // the sync of the directory
  auto journal = Make();
  const Reading reading = ReadBack(*journal);
  EXPECT_THAT(reading.contents.damage, IsEmpty());
  EXPECT_THAT(reading.records, ElementsAreArray(four_));
  EXPECT_FALSE(journal->usable());
}

TEST_F(JournalTest, ALeftOverNewFileIsRemoved) {
  WriteFour();
  files_.Write(kPath + ".new", "half written");
  ReadBack();
  EXPECT_FALSE(files_.Exists(kPath + ".new"));
}

TEST_F(JournalTest, TheRealFileIsPrivateAndReadsBack) {
  const testing::TempDir dir;
  const std::string path = dir / "invalidations";
  {
    Journal journal(JournalFiles::System(), path, kRoom);
    ASSERT_OK(journal.Rewrite({.number_bound = 9, .mark = {.sequence = 8}}, Holding({Tag(3, 33)})));
    ASSERT_OK(
        journal.Append(std::vector{Tag(4, 44)}, {.number_bound = 10, .mark = {.sequence = 8}}));
  }
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  Journal journal(JournalFiles::System(), path, kRoom);
  const Reading reading = ReadBack(journal);
  EXPECT_THAT(reading.contents.damage, IsEmpty());
  EXPECT_EQ(reading.contents.header, (JournalHeader{10, {.sequence = 8}}));
  EXPECT_THAT(reading.records, ElementsAreArray({Tag(3, 33), Tag(4, 44)}));
}

TEST_F(JournalTest, TheRealFileSystemSaysWhatIsWrong) {
  const testing::TempDir dir;
  Journal journal(JournalFiles::System(), dir / "missing/invalidations", kRoom);
  const Status status = journal.Rewrite({.number_bound = 9}, Holding({}));
  EXPECT_THAT(status, testing::HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(status.message(), HasSubstr("missing/invalidations.new: No such file"));
}

}  // namespace
}  // namespace larder
