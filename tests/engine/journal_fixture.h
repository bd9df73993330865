// A journal in memory, for the tests of what it holds and of its bytes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "journal.h"
#include "memory_journal_files.h"
#include "status_matchers.h"

namespace larder {

constexpr std::uint64_t kRoom = 5;
constexpr std::size_t kRecordsAt = 8192;
inline const std::string kPath = "dir/invalidations";

inline JournalRecord Tag(std::uint64_t number, std::uint64_t tag) {
  return {.number = number, .value = tag, .kind = JournalKind::kTag};
}
inline JournalRecord Floor(std::uint64_t number) {
  return {.number = number, .value = 0, .kind = JournalKind::kFloor};
}

struct Reading {
  JournalContents contents;
  std::vector<JournalRecord> records;
};

inline constexpr StoreMark kMark = {.sequence = 7, .gone = 2, .logs = {3, 5}};

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> Make() { return std::make_unique<Journal>(files_, kPath, kRoom); }

  static Journal::Snapshot Holding(std::vector<JournalRecord> records) {
    return [records](const Journal::RecordSink& sink) {
      for (const JournalRecord& record : records) sink(record);
    };
  }

  Reading ReadBack(Journal& journal) {
    Reading reading;
    Result<JournalContents> contents =
        journal.Read([&](const JournalRecord& record) { reading.records.push_back(record); });
    EXPECT_OK(contents);
    if (contents.ok()) reading.contents = *contents;
    return reading;
  }
  Reading ReadBack() { return ReadBack(*Make()); }

  // A journal with two records from a snapshot and two appended.
  void WriteFour() {
    auto journal = Make();
    ASSERT_OK(
        journal->Rewrite({.number_bound = 100, .mark = kMark}, Holding({Tag(3, 33), Floor(2)})));
    ASSERT_OK(journal->Append(std::vector{Tag(4, 44)}, journal->header()));
    ASSERT_OK(journal->Append(std::vector{Floor(5)}, journal->header()));
  }
  const std::vector<JournalRecord> four_ = {Tag(3, 33), Floor(2), Tag(4, 44), Floor(5)};

  testing::MemoryJournalFiles files_;
};

}  // namespace larder
