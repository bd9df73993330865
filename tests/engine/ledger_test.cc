#include "ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "ledger_fixture.h"
#include "memory_journal_files.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::HasCode;
using testing::InvalidateAll;
using testing::InvalidateTags;
using ::testing::IsEmpty;
using testing::LedgerTest;
using testing::MemoryJournalFiles;

constexpr std::size_t kHeaderBlock = 4096;

TEST_F(LedgerTest, NumbersGrowFromOne) {
  EXPECT_EQ(ledger_->Last(), 0U);
  EXPECT_EQ(ledger_->Next(), 1U);
  EXPECT_EQ(ledger_->Next(), 2U);
  EXPECT_EQ(ledger_->Last(), 2U);
  EXPECT_EQ(Invalidate({7}), 3U);
  EXPECT_EQ(ledger_->Next(), 4U);
}

TEST_F(LedgerTest, NumbersAreNeverReused) {
  std::uint64_t last = 0;
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t number = round % 3 == 0 ? Invalidate({1}) : ledger_->Next();
    ASSERT_GT(number, last);
    last = number;
    if (round % 2 == 0) files_.LosePower();
    Reopen();
  }
}

TEST_F(LedgerTest, ATagCoversWhatIsOlderAndOnlyThat) {
  const std::uint64_t before = ledger_->Next();
  Invalidate({7});
  const std::uint64_t after = ledger_->Next();
  EXPECT_FALSE(Holds(before, {7}));
  EXPECT_FALSE(Holds(before, {5, 7, 9}));
  EXPECT_TRUE(Holds(before, {5, 9}));
  EXPECT_TRUE(Holds(before, {}));
  EXPECT_TRUE(Holds(after, {7}));
}

TEST_F(LedgerTest, AllCoversEverythingOlder) {
  Invalidate({7});
  const std::uint64_t before = ledger_->Next();
  ASSERT_OK(InvalidateAll(*ledger_));
  EXPECT_FALSE(Holds(before, {}));
  EXPECT_TRUE(Holds(ledger_->Next(), {7}));
  EXPECT_EQ(ledger_->tag_count(), 0U) << "the floor has what the tag said";
}

TEST_F(LedgerTest, NumberZeroNeverHolds) { EXPECT_FALSE(Holds(0, {})); }

TEST_F(LedgerTest, NoTagsIsAnInvalidArgument) {
  EXPECT_THAT(InvalidateTags(*ledger_, {}), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(LedgerTest, AcknowledgedInvalidationsSurviveRestartAndLossOfPower) {
  const std::uint64_t before = ledger_->Next();
  Invalidate({1, 2, 3});
  const std::uint64_t between = ledger_->Next();
  ASSERT_OK(InvalidateTags(*ledger_, std::vector<TagHash>{4}));
  files_.LosePower();
  Reopen();
  EXPECT_THAT(errors_, IsEmpty());
  for (const TagHash tag : {1, 2, 3, 4}) EXPECT_FALSE(Holds(before, {tag}));
  EXPECT_TRUE(Holds(between, {1, 2, 3}));
  EXPECT_FALSE(Holds(between, {4}));
  EXPECT_TRUE(Holds(before, {5}));
  EXPECT_TRUE(Holds(ledger_->Next(), {1, 2, 3, 4}));
}

TEST_F(LedgerTest, InvalidateAllSurvives) {
  const std::uint64_t before = ledger_->Next();
  ASSERT_OK(InvalidateAll(*ledger_));
  const std::uint64_t after = ledger_->Next();
  files_.LosePower();
  Reopen();
  EXPECT_FALSE(Holds(before, {}));
  EXPECT_TRUE(Holds(after, {}));
}

TEST_F(LedgerTest, GenerationChangesWithEveryInvalidationAndNothingElse) {
  std::set<std::uint64_t> seen = {0, ledger_->Generation()};
  ledger_->Next();
  EXPECT_TRUE(seen.count(ledger_->Generation()));
  Invalidate({1});
  EXPECT_TRUE(seen.insert(ledger_->Generation()).second);
  Invalidate({1});
  EXPECT_TRUE(seen.insert(ledger_->Generation()).second);
  ASSERT_OK(InvalidateAll(*ledger_));
  EXPECT_TRUE(seen.insert(ledger_->Generation()).second);
  ASSERT_OK(ledger_->RetryUnwritten());
  EXPECT_FALSE(seen.insert(ledger_->Generation()).second);
}

TEST_F(LedgerTest, AFullJournalIsRewrittenAndForgetsNothing) {
  std::map<TagHash, std::uint64_t> latest;
  const std::string first = JournalBytes();
  for (std::uint64_t i = 0; i < 500; ++i) {
    const TagHash tag = i % 40;
    latest[tag] = Invalidate({tag});
    ASSERT_LE(JournalBytes().size(), 2 * kHeaderBlock + 32 * (40 + 40));
  }
  EXPECT_GT(JournalBytes().size(), first.size());
  files_.LosePower();
  Reopen();
  EXPECT_THAT(errors_, IsEmpty());
  for (const auto& [tag, number] : latest) {
    EXPECT_FALSE(Holds(number, {tag}));
    EXPECT_TRUE(Holds(number + 1, {tag}));
  }
}

TEST_F(LedgerTest, ABatchLargerThanTheRoomFits) {
  std::vector<TagHash> tags(100);
  for (std::size_t i = 0; i < tags.size(); ++i) tags[i] = i;
  const std::uint64_t number = Invalidate(tags);
  Reopen();
  for (const TagHash tag : tags) EXPECT_FALSE(Holds(number, {tag}));
}

TEST_F(LedgerTest, AReservationIsExtendedLongBeforeItIsUsedUp) {
  options_.number_block = 100;
  Reopen();
  const std::uint64_t bound = ledger_->NumberBound();
  while (ledger_->Next() + 60 < bound) {
  }
  ASSERT_OK(ledger_->RetryUnwritten());
  EXPECT_EQ(ledger_->NumberBound(), bound);
  for (int i = 0; i < 20; ++i) ledger_->Next();
  ASSERT_OK(ledger_->RetryUnwritten());
  EXPECT_EQ(ledger_->NumberBound(), bound + 100);
  std::uint64_t last = 0;
  for (int i = 0; i < 80; ++i) last = ledger_->Next();
  EXPECT_GT(last, bound);
  files_.LosePower();
  Reopen();
  EXPECT_GT(ledger_->Next(), last);
}

TEST_F(LedgerTest, NumbersThatCouldComeAgainAreNotReservedAndInOrderAllTheSame) {
  options_.number_block = 100;
  Reopen();
  const std::uint64_t bound = ledger_->NumberBound();
  files_.FailAt(0, 1'000'000);
  std::uint64_t before = 0;
  do {
    before = ledger_->Next();
  } while (ledger_->IsReserved(before));
  EXPECT_EQ(before, bound);
  EXPECT_EQ(ledger_->Last(), before);
  EXPECT_TRUE(Holds(before, {5}));
  EXPECT_THAT(InvalidateTags(*ledger_, std::vector<TagHash>{5}), HasCode(StatusCode::kUnavailable));
  EXPECT_FALSE(Holds(before, {5}));
  EXPECT_TRUE(Holds(before, {6}));
  const std::uint64_t after = ledger_->Next();
  EXPECT_FALSE(ledger_->IsReserved(after));
  EXPECT_TRUE(Holds(after, {5}));
  files_.Heal();
  ASSERT_OK(ledger_->RetryUnwritten());
  EXPECT_TRUE(ledger_->IsReserved(after));
  files_.LosePower();
  Reopen();
  EXPECT_GT(ledger_->Next(), after);
  EXPECT_FALSE(Holds(before, {5}));
  EXPECT_TRUE(Holds(after, {5}));
}

TEST_F(LedgerTest, AFailingJournalKeepsInvalidationsInMemoryUntilItCanWriteThem) {
  const std::uint64_t before = ledger_->Next();
  files_.FailAt(0, 1'000'000);
  EXPECT_THAT(InvalidateTags(*ledger_, std::vector<TagHash>{7}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(ledger_->NoteSynced({.sequence = 9}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(ledger_->RetryUnwritten(), HasCode(StatusCode::kUnavailable));
  EXPECT_FALSE(Holds(before, {7}));
  EXPECT_EQ(errors_.size(), 1U) << "one line an episode";
  files_.Heal();
  ASSERT_OK(ledger_->RetryUnwritten());
  files_.LosePower();
  Reopen();
  ASSERT_OK(ledger_->StoreRecovered({.sequence = 9}));
  EXPECT_FALSE(Holds(before, {7}));
  EXPECT_TRUE(Holds(before, {8}));
}

TEST_F(LedgerTest, AnInvalidationAfterTheFaultIsGoneWritesTheEarlierOnesToo) {
  const std::uint64_t before = ledger_->Next();
  files_.FailAt(0, 1'000'000);
  EXPECT_FALSE(InvalidateTags(*ledger_, std::vector<TagHash>{7}).ok());
  files_.Heal();
  Invalidate({8});
  files_.LosePower();
  Reopen();
  EXPECT_FALSE(Holds(before, {7}));
  EXPECT_FALSE(Holds(before, {8}));
}

// A short script in which every operation of the file system fails in turn, once or for good.
TEST_F(LedgerTest, AnyFailingOperationForgetsNothingAcknowledged) {
  for (const std::uint64_t more : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1'000'000}}) {
    bool failed = true;
    for (std::uint64_t n = 0; failed; ++n) {
      SCOPED_TRACE("operation " + std::to_string(n) + " and " + std::to_string(more) + " more");
      files_.Heal();
      ledger_.reset();
      options_.store_has_rows = false;
      ASSERT_OK(files_.Remove(options_.path));
      Open();
      std::vector<std::pair<std::uint64_t, TagHash>> acknowledged;
      std::uint64_t last = ledger_->Next();
      const std::uint64_t first = last;
      files_.FailAt(n, more);
      for (TagHash tag = 0; tag < 40; ++tag) {
        const Result<std::uint64_t> number = InvalidateTags(*ledger_, std::vector<TagHash>{tag});
        if (number.ok()) acknowledged.emplace_back(*number, tag);
        ASSERT_FALSE(Holds(first, {tag})) << "holds in memory at once";
        const std::uint64_t next = ledger_->Next();
        if (ledger_->IsReserved(next)) last = next;
        if (tag % 16 == 10) {
          if (Result<std::unique_ptr<Ledger>> again = Ledger::Open(options_); again.ok()) {
            ledger_ = *std::move(again);
          }
        }
      }
      failed = files_.has_failed();
      files_.Heal();
      files_.LosePower();
      Reopen();
      for (const auto& [number, tag] : acknowledged) ASSERT_FALSE(Holds(number, {tag})) << tag;
      ASSERT_GT(ledger_->Next(), last);
      EXPECT_TRUE(failed || acknowledged.size() == 40);
    }
  }
}

TEST_F(LedgerTest, AnyFlippedByteForgetsNothing) {
  std::map<TagHash, std::uint64_t> latest;
  const std::uint64_t before = ledger_->Next();
  for (const TagHash tag : {1, 2, 3, 2}) latest[tag] = Invalidate({tag, tag + 10});
  ASSERT_OK(ledger_->NoteSynced({.sequence = 5}));
  const std::uint64_t bound = ledger_->NumberBound();
  const std::string whole = JournalBytes();
  std::size_t raised = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(~damaged[at]);
    files_.Write(options_.path, damaged);
    Reopen();
    for (const auto& [tag, number] : latest) {
      ASSERT_FALSE(Holds(number, {tag})) << at;
      ASSERT_FALSE(Holds(number, {tag + 10})) << at;
    }
    ASSERT_GE(ledger_->Next(), bound) << at;
    if (!Holds(before, {99})) ++raised;
  }
  EXPECT_EQ(raised, errors_.size()) << "whatever invalidates all is logged";
  EXPECT_EQ(raised, 2 * 192 + 16 * 32) << "all bytes that mean something";
}

// Random operations against a map, with faults, crashes and loss of power in between. The ledger
// may always say that something does not hold; it must when the map says so, and it may only when
// something raised the floor.
TEST_F(LedgerTest, AgreesWithAMapWhateverHappens) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryJournalFiles files(seed);
    options_.files = &files;
    options_.store_has_rows = false;
    options_.max_tags = seed % 2 == 0 ? 24 : 1'000'000;
    errors_.clear();
    Open();
    std::mt19937 random(seed);
    std::map<TagHash, std::uint64_t> must;  // acknowledged, or applied and not crashed since
    std::map<TagHash, std::uint64_t> may;   // called, whatever the outcome
    std::map<TagHash, std::uint64_t> acknowledged;
    std::uint64_t last = 0;
    const bool faulty = seed % 3 == 0;
    for (int step = 0; step < 400; ++step) {
      const unsigned what = random() % 100;
      if (faulty && what < 4) files.FailAt(random() % 6, random() % 8);
      if (what < 45) {
        std::vector<TagHash> tags(1 + random() % 3);
        for (TagHash& tag : tags) tag = random() % 40;
        const Result<std::uint64_t> number = InvalidateTags(*ledger_, tags);
        const std::uint64_t taken = number.ok() ? *number : ledger_->Last();
        for (const TagHash tag : tags) {
          must[tag] = may[tag] = taken;
          if (number.ok()) acknowledged[tag] = taken;
        }
        ASSERT_GT(taken, last);
        last = taken;
      } else if (what < 47) {
        const Result<std::uint64_t> number = InvalidateAll(*ledger_);
        const std::uint64_t taken = number.ok() ? *number : ledger_->Last();
        for (TagHash tag = 0; tag < 40; ++tag) {
          must[tag] = may[tag] = taken;
          if (number.ok()) acknowledged[tag] = taken;
        }
        last = taken;
      } else if (what < 70) {
        const std::uint64_t number = ledger_->Next();
        ASSERT_GT(number, last);
        last = number;
      } else if (what < 75) {
        files.Heal();
        ledger_.reset();
        if (what < 73) files.LosePower();
        Reopen();
        must = acknowledged;
      } else {
        const TagHash tag = random() % 40;
        const std::uint64_t number = 1 + random() % (last + 3);
        const bool holds = Holds(number, {tag});
        if (number <= must[tag]) {
          ASSERT_FALSE(holds) << tag;
        } else if (number > may[tag]) {
          ASSERT_TRUE(holds || number <= ledger_->floor()) << tag;
          ASSERT_TRUE(holds || options_.max_tags < 40 || !errors_.empty()) << tag;
        }
      }
    }
    ledger_.reset();
  }
}

TEST(LedgerFileTest, WorksOnTheRealFileSystem) {
  const testing::TempDir dir;
  LedgerOptions options;
  options.path = dir / "invalidations";
  options.journal_room = 8;
  std::uint64_t number = 0;
  {
    Result<std::unique_ptr<Ledger>> ledger = Ledger::Open(options);
    ASSERT_OK(ledger);
    for (TagHash tag = 0; tag < 50; ++tag) {
      const Result<std::uint64_t> taken = InvalidateTags(**ledger, std::vector<TagHash>{tag});
      ASSERT_OK(taken);
      number = *taken;
    }
  }
  options.store_has_rows = true;
  Result<std::unique_ptr<Ledger>> ledger = Ledger::Open(options);
  ASSERT_OK(ledger);
  for (TagHash tag = 0; tag < 50; ++tag) {
    EXPECT_FALSE((*ledger)->Holds({}, tag + 1, std::vector<TagHash>{tag}));
  }
  EXPECT_TRUE((*ledger)->Holds({}, 1, std::vector<TagHash>{77}));
  EXPECT_GT((*ledger)->Next(), number);
}

TEST(HashTagTest, IsXxh3AndSoPartOfTheFormat) {
  EXPECT_EQ(HashTag(""), 0x2d06800538d394c2U);
  EXPECT_NE(HashTag("a"), HashTag("b"));
}

}  // namespace
}  // namespace larder
