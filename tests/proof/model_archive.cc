// Steps of a schedule by which entries leave a cache and come back: export, import, backup,
// restore; and damage, after which there is less than there was.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

#include "larder/backup.h"
#include "model_run.h"

namespace larder::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostExported = 40;
constexpr std::uint32_t kBackupsKept = 3;

void Garble(const fs::path& path, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (int i = 0; i < 64; ++i) file.put(static_cast<char>(random()));
}

void GarbleManifests(const std::string& store, std::uint32_t seed) {
  for (const fs::directory_entry& entry : fs::directory_iterator(store)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) Garble(entry.path(), seed);
  }
}

// Caches of two lineages do not share a directory for their backups.
std::string BackupsOf(const std::string& directory, std::uint64_t lineage) {
  return directory + ".backups" + std::to_string(lineage);
}

std::string ToString(const ImportReport& report) {
  return "stored " + std::to_string(report.stored) + ", expired " + std::to_string(report.expired) +
         ", superseded " + std::to_string(report.superseded) + ", invalidated " +
         std::to_string(report.invalidated) + ", refused " + std::to_string(report.refused);
}

}  // namespace

// Everything that is live; a few of them are kept, to be imported.
Effect ModelRun::Export(const Step& step) {
  std::map<std::string, ExportedEntry> found;
  const Result<std::uint64_t> count = cache_->Export([&](const ExportedEntry& entry) {
    if (!found.emplace(entry.key, entry).second) Fail("an export gave " + entry.key + " twice");
    return Status::Ok();
  });
  if (!count.ok() || *count != found.size()) Fail("export: " + count.status().ToString());
  for (std::uint32_t i = 0; i < options_.keys; ++i) {
    const std::string key = KeyOf(i);
    const Expectation expect = oracle_.Expect(key, {.max_stale = kForever}, now());
    const auto entry = found.find(key);
    if (entry == found.end()) {
      if (expect.hit == Certainty::kYes) Fail("an export left out " + key);
      continue;
    }
    const std::uint64_t id = IdOfBody(entry->second.body);
    if (!oracle_.Knows(id)) Fail("an export gave a body that nobody wrote");
    if (expect.hit == Certainty::kNo || id != expect.id) {
      Fail("an export gave value " + std::to_string(id) + " of " + key + ": " + expect.why);
      return {};
    }
    const WrittenValue& value = oracle_.ValueOf(id);
    const TimePoint earliest = std::max(expect.fresh_from, value.created);
    if (entry->second.created != value.created || entry->second.fresh_until < earliest ||
        entry->second.fresh_until > std::max(expect.fresh_until, value.created) ||
        entry->second.expires > expect.expires) {
      Fail("an export gave value " + std::to_string(id) + " other times");
    }
  }
  std::erase_if(found, [&](const auto& item) { return (step.a + item.first.back()) % 2 == 0; });
  for (auto& [key, entry] : found) exported_.push_back(std::move(entry));
  while (exported_.size() > kMostExported) exported_.pop_front();
  return {};
}

// One of them: then it is known which of the report's numbers it is.
Effect ModelRun::Import(const Step& step) {
  if (exported_.empty()) return {};
  const ExportedEntry given = exported_[step.a % exported_.size()];
  const TimePoint began = given.created - given.compute_time;
  Tags tags(given.tags.begin(), given.tags.end());
  const Instant instant = oracle_.Tick();
  const CacheOracle::Import may = oracle_.MayImport(given.key, given.created, began, tags, now());
  const bool open = Joined(given.key) != nullptr;
  WrittenValue value = oracle_.ValueOf(IdOfBody(given.body));
  value.id = oracle_.NextId();
  value.key = given.key;
  value.began = instant;
  value.tags = std::move(tags);
  value.created = given.created;
  value.fresh_until = given.fresh_until;
  value.expires = given.expires;
  value.while_revalidate = given.stale_while_revalidate;
  value.if_error = given.stale_if_error;
  value.negative = given.negative;
  value.body = MakeBody(value.id, given.body.size());
  ExportedEntry entry = given;
  entry.body = value.body;
  bool taken = false;
  const Result<ImportReport> report = cache_->Import([&]() -> Result<std::optional<ExportedEntry>> {
    return std::exchange(taken, true) ? std::nullopt : std::optional(entry);
  });
  if (!report.ok()) {
    Fail("import: " + report.status().ToString());
    return {};
  }
  Note("-> value " + std::to_string(value.id) + " at " + value.key + ": " + ToString(*report));
  const bool stored = report->stored == 1;
  if (report->stored + report->expired + report->superseded + report->invalidated +
          report->refused !=
      1) {
    Fail("an import counted wrongly");
  }
  if ((report->expired == 1) != (now() >= given.expires)) Fail("an import takes it for expired");
  if (stored && may.holds == Certainty::kNo) Fail("imported what was invalidated here");
  if (stored && (may.superseded == Certainty::kYes || open)) {
    Fail("imported over what is as new, or is being computed");
  }
  if (report->invalidated == 1 && may.holds == Certainty::kYes) Fail("it was not invalidated");
  if (report->superseded == 1 && may.superseded == Certainty::kNo && !open) {
    Fail("nothing as new is there");
  }
  if (!stored) return {};
  // A soft invalidation here may have ended its freshness, at the time that it was made.
  const std::optional<Hit> hit = cache_->Peek(given.key, {.max_stale = kForever});
  const Duration window = std::max(value.while_revalidate, value.if_error);
  if (hit.has_value() && IdOfBody(hit->entry.body()) == value.id) {
    value.fresh_until = hit->entry.fresh_until();
    value.expires = hit->entry.expires();
  } else {
    value.fresh_until = std::max(may.softened.first, value.created);
    value.expires = std::min(value.expires, value.fresh_until + window);
    if (now() < value.expires) Fail("what was imported is not there");
  }
  if (value.fresh_until != given.fresh_until &&
      (may.softened.certainty == Certainty::kNo || value.fresh_until > given.fresh_until ||
       value.fresh_until < std::max(may.softened.first, value.created) ||
       value.expires > value.fresh_until + window)) {
    Fail("an import changed times");
  }
  if (value.fresh_until == given.fresh_until && may.softened.certainty == Certainty::kYes &&
      std::max(may.softened.last, value.created) < given.fresh_until) {
    Fail("imported as fresh what was softly invalidated here");
  }
  const RowWritten row = CacheOracle::RowOf(value);
  oracle_.AddValue(std::move(value));
  return {.rows = {row}, .synced = SyncsPuts()};
}

Effect ModelRun::Backup() {
  if (!options_.on_disk) return {};
  const std::string directory = BackupsOf(cache_.directory(), lineage_);
  const Result<BackupInfo> info = cache_->Backup({.directory = directory, .keep = kBackupsKept});
  if (!info.ok()) {
    Fail("backup: " + info.status().ToString());
    return {};
  }
  Note("-> backup " + std::to_string(info->id));
  backups_.push_back({.id = info->id,
                      .oracle = std::make_shared<const CacheOracle>(oracle_),
                      .lineage = lineage_,
                      .serial = next_serial_,
                      .ledgers_lost = ledgers_lost_});
  descent_[next_serial_++] = removals_;
  if (backups_.size() > kBackupsKept) backups_.pop_front();
  return {};
}

// Of any backup that is left; what was invalidated since must not come back, nor what was removed,
// unless that was accepted.
Effect ModelRun::RestoreBackup(const Step& step) {
  if (backups_.empty()) return {};
  const SavedCache& saved = backups_[step.a % backups_.size()];
  const bool accept = step.b % 2 == 0;
  Effect effect = WriteAll();
  oracle_.Apply(effect);
  cache_.Close();
  LoseFlights();
  // The ledger of what is replaced cannot be read.
  const bool unreadable = accept && step.c % 5 == 0;
  if (unreadable) Garble(cache_.directory() + "/invalidations", step.d);
  const Result<RestoreReport> report =
      Restore({.backup_directory = BackupsOf(cache_.directory(), saved.lineage),
               .cache_directory = cache_.directory(),
               .id = saved.id,
               .accept_unknown_invalidations = accept});
  const bool same = saved.lineage == lineage_ && !unreadable;
  const auto made = descent_.find(saved.serial);
  const bool removed = made == descent_.end() || made->second != removals_;
  if (!report.ok()) {
    Note("-> refused: " + report.status().ToString());
    if (accept || report.status().code() != StatusCode::kInvalidArgument) {
      Fail("restore: " + report.status().ToString());
    }
    // A store that has never had a row is a new history with each opening.
    const bool empty = saved.oracle->HasNoRows();
    if (same && !removed && !empty) Fail("refused a restore that brings nothing back");
    OpenCache();
    return {};
  }
  Note(std::string("-> restored backup ") + std::to_string(saved.id) +
       (report->ledger_kept ? ", ledger kept" : ", ledger not kept"));
  if (report->ledger_kept != same) Fail("of the same descent, or not");
  // If the ledger was damaged since, it does not know of removals either, but all is invalid.
  const bool forgotten = saved.ledgers_lost != ledgers_lost_;
  if (!accept && (!same || (removed && !forgotten)))
    Fail("restored what may have been removed since");
  oracle_.Restore(*saved.oracle, report->ledger_kept);
  descent_.clear();
  if (report->ledger_kept) {
    descent_[saved.serial] = removals_;
  } else {
    lineage_ = ++lineages_;
    last_numbers_.clear();
  }
  OpenCache();
  return {};
}

// While the cache is closed. Its rows, its ledger or its state cannot be read, or are missing.
Effect ModelRun::DamageFiles(const Step& step) {
  if (!options_.on_disk) return {};
  oracle_.Apply(WriteAll());
  cache_.Close();
  LoseFlights();
  const std::string directory = cache_.directory();
  const std::uint32_t what = step.a % 4;
  if (what == 0) GarbleManifests(directory + "/store", step.b);
  if (what == 1) Garble(directory + "/invalidations", step.b);
  if (what == 2 || what == 3) fs::remove(directory + "/invalidations");
  if (what == 3) fs::remove(directory + "/state");
  OpenCache();
  if (!result_.finding.empty()) return {};
  if (what == 0 || what == 3) {
    // Moved aside: what follows is a new history.
    Note("-> a store that cannot be read, or of which nobody knows what is valid");
    oracle_.LoseRows();
    descent_.clear();
    if (what == 0 && !fs::exists(directory + "/quarantine/store")) Fail("not in quarantine/");
  } else {
    Note("-> a ledger that cannot be read");
    ++ledgers_lost_;
    oracle_.PerhapsInvalidateAll();
  }
  if (what == 3) {
    lineage_ = ++lineages_;  // with numbers of its own
    oracle_.ForgetNumbers();
    oracle_.ForgetLedger();
    last_numbers_.clear();
  }
  return {};
}

}  // namespace larder::testing
