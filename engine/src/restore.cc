#include "restore.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "backup_note.h"
#include "dictionary.h"
#include "directory_lock.h"
#include "guarded.h"
#include "kill_point.h"
#include "larder/backup.h"
#include "ledger_copy.h"
#include "state_file.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

// What a restore replaces.
constexpr std::array kParts = {"store", "invalidations", "state"};
// All that a cache may have in its directory.
constexpr std::array kOurs = {"store",     "store.probe", "invalidations", "invalidations.new",
                              "state",     "state.new",   "popularity",    "popularity.new",
                              "dict",      "quarantine",  "restore.new",   "restore.ready",
                              "hot",       "hot.new",     "spending",      "spending.new",
                              "admin.sock"};

Status FileError(const std::string& what, const std::error_code& error) {
  return {StatusCode::kUnavailable, what + ": " + error.message()};
}

bool StartsWith(const std::string& path, std::string_view magic) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(magic.size(), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file.good() && bytes == magic;
}

bool IsLater(const ClockAnchor& a, const ClockAnchor& b) {
  return a.boot_id == b.boot_id ? a.at_boot > b.at_boot : a.last_seen > b.last_seen;
}

// One restore, step by step. The target's directory is locked.
class Restoration {
 public:
  Restoration(const RestoreOptions& options, FoundBackup backup)
      : options_(options), backup_(std::move(backup)) {}

  Result<RestoreReport> Run();
  Result<RestoreOutlook> Foresee();

 private:
  Status ReadBackup();
  Status ReadReplaced();
  Status CheckKnown() const;
  Status Stage();
  Status Commit();
  std::string Staged(const std::string& name) const { return New() + "/" + name; }
  std::string New() const { return options_.cache_directory + "/restore.new"; }

  const RestoreOptions& options_;
  const FoundBackup backup_;
  State state_;
  LedgerCopy ledger_;
  bool ledger_kept_ = false;
  bool removals_known_ = false;
};

Status Restoration::ReadBackup() {
  const std::string& directory = options_.backup_directory;
  Status status = ReadState(BackupState(directory, backup_.note.name), state_);
  if (!status.ok()) return {StatusCode::kDataLoss, "the backup's state: " + status.message()};
  Result<LedgerCopy> ledger = ReadLedger(BackupLedger(directory, backup_.note.name));
  if (!ledger.ok()) return ledger.status();
  if (!ledger->sound) return {StatusCode::kDataLoss, "the backup's ledger is damaged"};
  ledger_ = *std::move(ledger);
  return Status::Ok();
}

// Of the same descent, and legible: what it says stays in force, beside what the backup's says. It
// may know less than the backup, if the directory was set back in another way.
Status Restoration::ReadReplaced() {
  State replaced;
  const Status status = ReadState(options_.cache_directory + "/state", replaced);
  if (status.code() == StatusCode::kUnavailable) return status;
  if (!status.ok() || !IsSameLineage(replaced, state_)) return Status::Ok();
  Result<LedgerCopy> ledger = ReadLedger(options_.cache_directory + "/invalidations");
  if (!ledger.ok()) return ledger.status();
  if (!ledger->sound) return Status::Ok();
  ledger_kept_ = true;
  // The sequence number of the latest removal is at most this one; that of another history, or of
  // a directory put back to before the backup, says nothing of this backup's.
  const bool descends = HasMarkOf(replaced, state_);
  removals_known_ = descends && ledger->header.mark.sequence <= backup_.note.sequence;
  if (descends) {
    AddLedger(ledger_, *ledger);
  } else {
    AddLedgerOfOtherBranch(ledger_, *ledger);
  }
  replaced.number_bound = std::max(replaced.number_bound, state_.number_bound);
  // Of the backup it will have all, and so its mark, which is the latest there. Of those from
  // before it nobody knows what was removed until the last of its rows was copied.
  replaced.store_id = std::move(state_.store_id);
  KeepLatestMark(replaced);
  // Hard lifetimes end by the clock that dated them.
  if (IsLater(state_.anchor, replaced.anchor)) replaced.anchor = state_.anchor;
  state_ = std::move(replaced);
  return Status::Ok();
}

Status Restoration::CheckKnown() const {
  if (options_.accept_unknown_invalidations || (ledger_kept_ && removals_known_)) {
    return Status::Ok();
  }
  const std::string since = std::to_string(backup_.note.known_until.time_since_epoch().count());
  return {StatusCode::kInvalidArgument,
          std::string(ledger_kept_ ? "removals" : "invalidations and removals") + " after " +
              since + " ms since the epoch are not known to backup " +
              std::to_string(backup_.rows.id) +
              " and would be undone; set accept_unknown_invalidations if that is acceptable"};
}

Status Restoration::Stage() {
  std::error_code error;
  fs::create_directory(New(), error);
  if (error) return FileError("create " + New(), error);
  Status status =
      RestoreStore(BackupRows(options_.backup_directory), backup_.rows.id, Staged("store"));
  if (!status.ok()) return status;
  // Straight into place: more of them than are needed do no harm.
  status = CopyDictionaries(BackupDictionaries(options_.backup_directory),
                            options_.cache_directory + "/dict");
  if (!status.ok()) return status;
  // Not more than the restored store has, which would look as if it had lost writes; nor the logs
  // of another.
  ledger_.header.mark = {.sequence = backup_.note.sequence};
  status = WriteLedger(Staged("invalidations"), ledger_);
  if (!status.ok()) return status;
  // Numbers go on above all that either has given out.
  state_.number_bound = std::max(state_.number_bound, ledger_.header.number_bound);
  // From here on this cache and the one that was backed up, or replaced, go different ways.
  if (!ledger_kept_) state_.store_id = NewState().store_id;
  AddMark(state_);
  status = WriteState(Staged("state"), state_);
  if (status.ok()) status = SyncDirectory(Staged("store"));
  return status.ok() ? SyncDirectory(New()) : status;
}

Result<RestoreOutlook> Restoration::Foresee() {
  Status status = ReadBackup();
  if (status.ok()) status = ReadReplaced();
  if (!status.ok()) return status;
  return RestoreOutlook{.backup = InfoOf(backup_.rows, backup_.note),
                        .ledger_kept = ledger_kept_,
                        .removals_known = removals_known_};
}

Result<RestoreReport> Restoration::Run() {
  Status status = ReadBackup();
  if (status.ok()) status = ReadReplaced();
  if (status.ok()) status = CheckKnown();
  if (!status.ok()) return status;
  status = Stage();
  std::error_code error;
  if (!status.ok()) {
    fs::remove_all(New(), error);
    return status;
  }
  KillPoint("restore staged");
  status = Commit();
  if (!status.ok()) return status.WithContext("commit");
  status = FinishRestore(options_.cache_directory);
  if (!status.ok()) return status.WithContext("the next opening finishes it");
  return RestoreReport{.backup = InfoOf(backup_.rows, backup_.note), .ledger_kept = ledger_kept_};
}

// What is not known to last is taken back: who is told of an error finds the old cache.
Status Restoration::Commit() {
  const std::string& directory = options_.cache_directory;
  std::error_code error;
  fs::rename(New(), directory + "/restore.ready", error);
  if (error) return FileError("rename " + New(), error);
  Status status = SyncDirectory(directory);
  if (status.ok()) return status;
  fs::rename(directory + "/restore.ready", New(), error);
  if (error) return status.WithContext("the next opening finishes it");
  fs::remove_all(New(), error);
  static_cast<void>(SyncDirectory(directory));
  return status;
}

// What a restore into a new directory leaves that is cut off before its commit, and nothing else.
bool HasRemainsOnly(const std::string& directory) {
  std::error_code error;
  const auto all = [&error](const std::string& in, const auto& is_ours) {
    fs::directory_iterator entry(in, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      if (!is_ours(entry->path())) return false;
    }
    return !error;
  };
  const auto is_part = [](const fs::path& path) {
    const std::string name = path.filename().string();
    return std::any_of(kParts.begin(), kParts.end(), [&name](const std::string& part) {
      return name == part || name == part + ".new";
    });
  };
  const auto is_dictionary = [](const fs::path& path) {
    return path.string().ends_with(".dict.new") || StartsWith(path, "larder dictionary ");
  };
  const auto is_remains = [&](const fs::path& path) {
    if (path.filename() == "restore.new") return all(path, is_part);
    return path.filename() == "dict" && all(path, is_dictionary);
  };
  return !fs::is_empty(directory, error) && !error && all(directory, is_remains);
}

bool HasIdentity(const std::string& directory) {
  return StartsWith(directory + "/state", "larder state ") ||
         StartsWith(directory + "/invalidations", "LDRJRNL");
}

// The target's lock, with what an earlier restore left undone done. kNotFound: there is none.
Result<DirectoryLock> TakeTarget(const std::string& directory, bool create) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_empty(directory, error) &&
      !IsCacheDirectory(directory)) {
    return Status(StatusCode::kInvalidArgument, directory + " holds something that is not a cache");
  }
  Result<DirectoryLock> lock = DirectoryLock::Take(directory, create);
  if (!lock.ok()) return lock.status();
  if (Status status = FinishRestore(directory); !status.ok()) return status;
  return lock;
}

// Errors: kInvalidArgument, kNotFound, kUnavailable.
Result<FoundBackup> FindSource(const RestoreOptions& options) {
  if (options.backup_directory.empty() || options.cache_directory.empty()) {
    return Status(StatusCode::kInvalidArgument, "restore from no directory, or to none");
  }
  return FindBackup(options.backup_directory, options.id);
}

}  // namespace

bool IsCacheDirectory(const std::string& directory) {
  return HasIdentity(directory) || HasIdentity(directory + "/restore.ready") ||
         HasRemainsOnly(directory);
}

Status FinishRestore(const std::string& directory) {
  std::error_code error;
  fs::remove_all(directory + "/restore.new", error);
  if (error) return FileError("drop an unfinished restore", error);
  const std::string ready = directory + "/restore.ready";
  const bool committed = fs::exists(ready, error);
  if (error) return FileError("look for a restore", error);
  if (!committed) return Status::Ok();
  // Nothing of the old cache goes before it is certain that the new one stays.
  if (Status status = SyncDirectory(directory); !status.ok()) return status;
  for (const std::string part : kParts) {
    const bool waits = fs::exists(ready + "/" + part, error);
    if (error) return FileError("look for " + part, error);
    if (!waits) continue;  // in place already
    KillPoint("restore part");
    fs::remove_all(directory + "/" + part, error);
    if (!error) fs::rename(ready + "/" + part, directory + "/" + part, error);
    if (error) return FileError("restore " + part, error);
    if (Status status = SyncDirectory(directory); !status.ok()) return status;
  }
  fs::remove_all(ready, error);
  if (error) return FileError("finish the restore", error);
  return SyncDirectory(directory);
}

namespace {

Result<RestoreReport> RestoreUnguarded(const RestoreOptions& options) {
  Result<FoundBackup> backup = FindSource(options);
  if (!backup.ok()) return backup.status();
  const Result<DirectoryLock> lock = TakeTarget(options.cache_directory, /*create=*/true);
  if (!lock.ok()) return lock.status();
  Result<RestoreReport> report = Restoration(options, *std::move(backup)).Run();
  if (!report.ok()) return report.status().WithContext("restore");
  return report;
}

Result<RestoreOutlook> ForeseeUnguarded(const RestoreOptions& options) {
  Result<FoundBackup> backup = FindSource(options);
  if (!backup.ok()) return backup.status();
  const Result<DirectoryLock> lock = TakeTarget(options.cache_directory, /*create=*/false);
  if (!lock.ok() && lock.status().code() != StatusCode::kNotFound) return lock.status();
  return Restoration(options, *std::move(backup)).Foresee();
}

Status DestroyUnguarded(const std::string& directory) {
  Result<DirectoryLock> lock = DirectoryLock::Take(directory, /*create=*/false);
  if (!lock.ok()) return lock.status();
  if (!IsCacheDirectory(directory)) {
    return {StatusCode::kInvalidArgument, directory + " is not a cache's directory"};
  }
  // So that what tells that this is a cache is where it goes last.
  if (Status status = FinishRestore(directory); !status.ok()) return status;
  std::error_code error;
  for (const std::string name : kOurs) {
    // So that one cut off can be done again.
    if (name == "state" || name == "invalidations") continue;
    fs::remove_all(directory + "/" + name, error);
    if (error) return FileError("delete " + name, error);
  }
  // The identity first: an empty ledger made under it would stand for the one that is gone.
  for (const char* name : {"state", "invalidations"}) {
    fs::remove(directory + "/" + name, error);
    if (error) return FileError(std::string("delete ") + name, error);
  }
  const bool empty = fs::is_empty(directory, error);
  if (empty && !error) fs::remove(directory, error);
  if (error) return FileError("delete " + directory, error);
  // Who was told that it is gone does not find it again after a loss of power.
  const fs::path whole = fs::absolute(directory, error);
  return SyncDirectory(empty ? (whole / "").parent_path().parent_path().string() : directory);
}

}  // namespace

Result<RestoreReport> Restore(const RestoreOptions& options) {
  return Guarded([&] { return RestoreUnguarded(options); });
}

Result<RestoreOutlook> ForeseeRestore(const RestoreOptions& options) {
  return Guarded([&] { return ForeseeUnguarded(options); });
}

Status Destroy(const std::string& directory) {
  return Guarded([&] { return DestroyUnguarded(directory); });
}

}  // namespace larder
