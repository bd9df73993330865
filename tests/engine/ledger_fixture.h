// LedgerTest: a ledger on files that can fail.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger.h"
#include "memory_journal_files.h"
#include "status_matchers.h"

namespace larder::testing {

inline Result<std::uint64_t> InvalidateTags(Ledger& ledger, std::span<const TagHash> tags) {
  std::vector<Rule> rules;
  for (const TagHash tag : tags) rules.push_back({.kind = Rule::Kind::kTag, .tag = tag});
  return ledger.Invalidate(rules, nullptr);
}
inline Result<std::uint64_t> InvalidateAll(Ledger& ledger) {
  const Rule everything;
  return ledger.Invalidate({&everything, 1}, nullptr);
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    options_.path = "dir/invalidations";
    options_.files = &files_;
    options_.journal_room = 16;
    options_.log = [this](LogLevel level, std::string_view line) {
      if (level == LogLevel::kError) errors_.emplace_back(line);
    };
    Open();
  }

  void Open() {
    Result<std::unique_ptr<Ledger>> opened = Ledger::Open(options_);
    ASSERT_OK(opened);
    ledger_ = *std::move(opened);
  }
  void Reopen() {
    ledger_.reset();
    options_.store_has_rows = true;
    Open();
  }
  std::uint64_t Invalidate(std::vector<TagHash> tags) {
    const Result<std::uint64_t> number = InvalidateTags(*ledger_, tags);
    EXPECT_OK(number);
    return number.ok() ? *number : 0;
  }
  bool Holds(std::uint64_t number, std::vector<TagHash> tags) const {
    return ledger_->Holds({}, number, tags);
  }
  std::string JournalBytes() const { return files_.Read(options_.path); }

  MemoryJournalFiles files_;
  LedgerOptions options_;
  std::vector<std::string> errors_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace larder::testing
