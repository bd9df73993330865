#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "fake_clock.h"
#include "larder/cache.h"
#include "larder/transfer.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;

namespace fs = std::filesystem;

class TransferTest : public ::testing::Test {
 protected:
  TransferTest() : from_(Open("from")), to_(Open("to")) {}

  std::unique_ptr<Cache> Open(const std::string& name) {
    Options options;
    options.directory = dir_ / name;
    options.clock = &clock_;
    options.max_body_bytes = 100'000;
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    EXPECT_OK(cache);
    return *std::move(cache);
  }
  std::vector<ExportedEntry> Export() {
    std::vector<ExportedEntry> entries;
    const Result<std::uint64_t> count = from_->Export([&](const ExportedEntry& entry) {
      entries.push_back(entry);
      return Status::Ok();
    });
    EXPECT_OK(count);
    EXPECT_EQ(*count, entries.size());
    return entries;
  }
  Result<ImportReport> Import(const std::vector<ExportedEntry>& entries) {
    std::size_t next = 0;
    return to_->Import([&]() -> Result<std::optional<ExportedEntry>> {
      if (next == entries.size()) return std::optional<ExportedEntry>();
      return std::optional(entries[next++]);
    });
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::unique_ptr<Cache> from_;
  std::unique_ptr<Cache> to_;
};

TEST_F(TransferTest, EntryArrivesWithAllThatIsKnownOfIt) {
  ASSERT_OK(from_->Put("k", "body",
                       {.ttl = 60s,
                        .stale_if_error = 30s,
                        .tags = {"a", "b"},
                        .cost_microusd = 42,
                        .compute_time = 7ms,
                        .metadata = "meta"}));
  const TimePoint created = from_->Get("k")->entry.created();
  clock_.Advance(10s);
  const Result<ImportReport> report = Import(Export());
  ASSERT_OK(report);
  EXPECT_EQ(report->stored, 1u);
  const std::optional<Hit> hit = to_->Get("k");
  ASSERT_TRUE(hit.has_value());
  const Entry& entry = hit->entry;
  EXPECT_EQ(entry.body(), "body");
  EXPECT_EQ(entry.metadata(), "meta");
  EXPECT_EQ(entry.tags(), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(entry.cost_microusd(), 42u);
  EXPECT_EQ(entry.compute_time(), 7ms);
  EXPECT_EQ(entry.created(), created);
  EXPECT_EQ(entry.fresh_until(), created + 60s) << "no longer than it would have lived";
  EXPECT_EQ(entry.expires(), created + 90s);
  ASSERT_OK(to_->Invalidate({.tags = {"b"}}));
  EXPECT_FALSE(to_->Get("k").has_value());
}

TEST_F(TransferTest, OnlyLiveEntriesAreExportedInTheOrderOfTheirKeys) {
  for (const char* key : {"d", "b", "a", "c", "e"}) {
    ASSERT_OK(from_->Put(key, "v", {.ttl = *key == 'c' ? 1s : 60s, .tags = {key}}));
  }
  ASSERT_OK(from_->Invalidate({.tags = {"b"}}));
  ASSERT_OK(from_->Remove("e"));
  clock_.Advance(2s);
  const std::vector<ExportedEntry> entries = Export();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].key, "a");
  EXPECT_EQ(entries[1].key, "d");
}

TEST_F(TransferTest, StoreOfManyPagesIsExportedWhole) {
  std::map<std::string, std::string> values;
  for (int i = 0; i < 500; ++i) {
    const std::string key = "key " + std::to_string(i);
    values[key] = std::to_string(i) + std::string(10'000, static_cast<char>('a' + i % 26));
    ASSERT_OK(from_->Put(key, values[key], {.ttl = kForever}));
  }
  const std::vector<ExportedEntry> entries = Export();
  ASSERT_EQ(entries.size(), values.size());
  for (const ExportedEntry& entry : entries) {
    EXPECT_EQ(entry.body, values[entry.key]);
    EXPECT_EQ(entry.expires, kNever);
  }
}

// Those of its writer and of all who waited for it.
TEST_F(TransferTest, EntryWithTheTagsOfManyReadersArrives) {
  const auto tags = [](const std::string& kind, std::size_t count) {
    std::vector<std::string> named;
    for (std::size_t i = 0; i < count; ++i) {
      named.push_back(kind + std::to_string(i) + std::string(kMaxTagBytes - 10, 't'));
    }
    return named;
  };
  Acquired acquired = from_->Acquire("k", {.tags = tags("a", kMaxTags)});
  for (const char* reader : {"b", "c"}) {
    Acquired joined = from_->Acquire("k", {.tags = tags(reader, kMaxTags)});
    ASSERT_TRUE(std::holds_alternative<Flight>(joined));
  }
  const Committed committed =
      std::get<Lease>(acquired).Commit("v", {.ttl = 60s, .tags = tags("w", kMaxTags)});
  ASSERT_EQ(committed.outcome, PutOutcome::kStored);
  std::vector<ExportedEntry> entries = Export();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].tags.size(), 4 * kMaxTags);
  Result<ImportReport> report = Import(entries);
  ASSERT_OK(report);
  EXPECT_EQ(report->stored, 1u);
  ASSERT_OK(to_->Invalidate({.tags = {tags("c", kMaxTags).back()}}));
  EXPECT_FALSE(to_->Get("k").has_value());
  entries[0].tags.emplace_back("one more");
  report = Import(entries);
  ASSERT_OK(report);
  EXPECT_EQ(report->refused, 1u);
}

TEST_F(TransferTest, WhatHasExpiredMeanwhileIsSkippedAndCounted) {
  ASSERT_OK(from_->Put("short", "v", {.ttl = 5s}));
  ASSERT_OK(from_->Put("long", "v", {.ttl = 60s}));
  const std::vector<ExportedEntry> entries = Export();
  clock_.Advance(5s);
  const Result<ImportReport> report = Import(entries);
  ASSERT_OK(report);
  EXPECT_EQ(report->stored, 1u);
  EXPECT_EQ(report->expired, 1u);
  EXPECT_FALSE(to_->Get("short").has_value());
}

// A number means nothing elsewhere, so this goes by the times.
TEST_F(TransferTest, ValueComputedBeforeAnInvalidationHereIsNotBroughtBack) {
  ASSERT_OK(from_->Put("tag", "v", {.ttl = 1h, .tags = {"t"}}));
  ASSERT_OK(from_->Put("prefix/k", "v", {.ttl = 1h}));
  ASSERT_OK(from_->Put("other", "v", {.ttl = 1h}));
  ASSERT_OK(from_->Put("removed", "v", {.ttl = 1h}));
  ASSERT_OK(from_->Put("slow", "v", {.ttl = 1h, .tags = {"s"}, .compute_time = 5s}));
  std::vector<ExportedEntry> old = Export();
  clock_.Advance(2s);
  ASSERT_OK(to_->Invalidate({.tags = {"t"}}));
  ASSERT_OK(to_->Invalidate({.prefixes = {"prefix/"}}));
  ASSERT_OK(to_->Remove("removed"));
  for (const char* when : {"at once", "after a restart"}) {
    const Result<ImportReport> report = Import(old);
    ASSERT_OK(report);
    EXPECT_EQ(report->invalidated, 2u) << when;
    EXPECT_FALSE(to_->Get("tag").has_value()) << when;
    EXPECT_FALSE(to_->Get("prefix/k").has_value()) << when;
    EXPECT_TRUE(to_->Get("removed").has_value()) << "written anew, " << when;
    EXPECT_TRUE(to_->Get("other").has_value()) << when;
    to_.reset();
    to_ = Open("to");
  }
  clock_.Advance(1s);
  ASSERT_OK(to_->Invalidate({.tags = {"s"}}));
  clock_.Advance(2s);
  ASSERT_OK(from_->Put("slow", "w", {.ttl = 1h, .tags = {"s"}, .compute_time = 5s}));
  ASSERT_OK(from_->Put("tag", "w", {.ttl = 1h, .tags = {"t"}}));
  const Result<ImportReport> report = Import(Export());
  ASSERT_OK(report);
  EXPECT_FALSE(to_->Get("slow").has_value()) << "it was being computed when s was invalidated";
  EXPECT_EQ(to_->Get("tag")->entry.body(), "w") << "computed after t was";
}

// The cache's clock ignores a wall clock that is ahead by 2 s, and takes over a greater lead late.
TEST_F(TransferTest, InvalidationByAClockThatLagsHoldsForWhatTheRightOneDates) {
  ASSERT_OK(from_->Put("k", "v", {.ttl = 1h, .tags = {"t"}}));
  const ExportedEntry exported = Export().at(0);
  for (const Duration lead : {Duration(1900ms), Duration(10min)}) {
    clock_.StepWall(lead);
    ExportedEntry entry = exported;
    entry.created = clock_.Wall() - 1ms;
    entry.fresh_until = entry.expires = entry.created + 1h;
    clock_.Advance(1ms);
    ASSERT_OK(to_->Invalidate({.tags = {"t"}}));
    clock_.Advance(11min);
    const Result<ImportReport> report = Import({entry});
    ASSERT_OK(report);
    EXPECT_EQ(report->invalidated, 1u) << lead.count();
  }
}

TEST_F(TransferTest, InvalidationOfEverythingHoldsForOldExportsOfTheSameCache) {
  ASSERT_OK(to_->Put("k", "v", {.ttl = 1h}));
  from_.swap(to_);
  const std::vector<ExportedEntry> old = Export();
  from_.swap(to_);
  ASSERT_OK(to_->Invalidate({.all = true}));
  ASSERT_OK(Import(old));
  EXPECT_FALSE(to_->Get("k").has_value()) << "also within the same millisecond";
}

// Its loss is when it was found: what was computed elsewhere after that is newer.
TEST_F(TransferTest, AfterALostJournalOnlyWhatWasComputedBeforeIsRefused) {
  ASSERT_OK(from_->Put("before", "v"));
  for (const bool reopened_again : {false, true}) {
    ASSERT_OK(to_->Close());
    if (!reopened_again) fs::remove(dir_ / "to/invalidations");
    to_ = Open("to");
    if (!reopened_again) clock_.Advance(10s);
    ASSERT_OK(from_->Put("after", "v"));
    const Result<ImportReport> report = Import(Export());
    ASSERT_OK(report);
    EXPECT_EQ(report->invalidated, 1u) << reopened_again;
    EXPECT_EQ(report->stored, 1u) << reopened_again;
    clock_.Advance(1s);
  }
}

TEST_F(TransferTest, SoftInvalidationHereEndsTheFreshnessOfWhatWasComputedBefore) {
  ASSERT_OK(from_->Put("k", "v", {.ttl = 1h, .stale_if_error = 30s, .tags = {"t"}}));
  const std::vector<ExportedEntry> old = Export();
  clock_.Advance(2s);
  ASSERT_OK(to_->Invalidate({.tags = {"t"}, .soft = true}));
  clock_.Advance(3s);
  ASSERT_OK(Import(old));
  EXPECT_FALSE(to_->Get("k").has_value());
  const std::optional<Hit> stale = to_->Get("k", {.stale_window = StaleWindow::kIfError});
  ASSERT_TRUE(stale.has_value());
  EXPECT_EQ(stale->entry.fresh_until(), old[0].created + 2s);
  EXPECT_EQ(stale->entry.expires(), old[0].created + 32s);
}

TEST_F(TransferTest, WindowsAndNegativityArrive) {
  ASSERT_OK(from_->Put(
      "k", "v",
      {.ttl = 60s, .stale_while_revalidate = 10s, .stale_if_error = 30s, .negative = true}));
  ASSERT_OK(Import(Export()));
  const std::optional<Hit> hit = to_->Get("k");
  ASSERT_TRUE(hit.has_value());
  EXPECT_TRUE(hit->entry.negative());
  EXPECT_EQ(hit->entry.stale_while_revalidate(), 10s);
  EXPECT_EQ(hit->entry.stale_if_error(), 30s);
}

TEST_F(TransferTest, YoungerValueIsNotReplacedByAnOlderOne) {
  ASSERT_OK(from_->Put("k", "older"));
  const std::vector<ExportedEntry> entries = Export();
  clock_.Advance(1s);
  ASSERT_OK(to_->Put("k", "younger"));
  const Result<ImportReport> report = Import(entries);
  ASSERT_OK(report);
  EXPECT_EQ(report->superseded, 1u);
  EXPECT_EQ(to_->Get("k")->entry.body(), "younger");
}

TEST_F(TransferTest, SoftlyInvalidatedEntryArrivesStale) {
  ASSERT_OK(from_->Put("k", "body", {.ttl = 60s, .stale_if_error = 30s, .tags = {"t"}}));
  ASSERT_OK(from_->Put("for ever", "body",
                       {.ttl = kForever, .stale_while_revalidate = 30s, .tags = {"t"}}));
  clock_.Advance(5s);
  ASSERT_OK(from_->Invalidate({.tags = {"t"}, .soft = true}));
  const Result<ImportReport> report = Import(Export());
  ASSERT_OK(report);
  EXPECT_EQ(report->stored, 2u);
  EXPECT_FALSE(to_->Get("k").has_value());
  EXPECT_TRUE(to_->Get("k", {.max_stale = 10s}).has_value());
  EXPECT_TRUE(to_->Get("for ever", {.max_stale = 10s}).has_value());
}

TEST_F(TransferTest, KeyThatIsBeingComputedIsLeftToThat) {
  ASSERT_OK(from_->Put("k", "old"));
  Acquired acquired = to_->Acquire("k");
  const Result<ImportReport> report = Import(Export());
  ASSERT_OK(report);
  EXPECT_EQ(report->superseded, 1u);
  EXPECT_EQ(std::get<Lease>(acquired).Commit("new").outcome, PutOutcome::kStored);
  EXPECT_EQ(to_->Get("k")->entry.body(), "new");
}

TEST_F(TransferTest, WhatBreaksALimitIsSkippedAndCounted) {
  ExportedEntry good{.key = "good", .body = "v", .created = clock_.Wall()};
  std::vector<ExportedEntry> entries(8, good);
  entries[1].key = "";
  entries[2].body = std::string(100'001, 'x');
  entries[3].tags = {""};
  entries[4].fresh_until = entries[4].created - 1ms;
  entries[5].expires = entries[5].created;  // before fresh_until
  entries[6].metadata = std::string(kMaxMetadataBytes + 1, 'm');
  entries[7].fresh_until = entries[7].created + 1s;
  entries[7].expires = entries[7].created + 3s;  // its windows say otherwise
  const Result<ImportReport> report = Import(entries);
  ASSERT_OK(report);
  EXPECT_EQ(report->stored, 1u);
  EXPECT_EQ(report->refused, 7u);
}

TEST_F(TransferTest, EntryFromTheFutureIsTakenForCreatedNow) {
  ASSERT_OK(Import({{.key = "k", .body = "v", .created = clock_.Wall() + 1h}}));
  EXPECT_EQ(to_->Get("k")->entry.created(), clock_.Wall());
}

TEST_F(TransferTest, ErrorOfSinkOrSourceEndsIt) {
  ASSERT_OK(from_->Put("a", "v"));
  ASSERT_OK(from_->Put("b", "v"));
  int calls = 0;
  EXPECT_THAT(from_->Export([&](const ExportedEntry&) {
    ++calls;
    return Status(StatusCode::kUnavailable, "pipe closed");
  }),
              HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(to_->Import([]() -> Result<std::optional<ExportedEntry>> {
    return Status(StatusCode::kInvalidArgument, "line 7 is not JSON");
  }),
              HasCode(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace larder
