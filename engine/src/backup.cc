// Making backups, online; listing and verifying them.
//
// Order matters: the ledger is copied first, so that all it says was acknowledged by the time that
// the backup names, then the rows, which may be newer. A row that was invalidated in between is in
// the backup and valid there: that is what "known until" says.
#include "larder/backup.h"

#include <filesystem>
#include <set>
#include <utility>

#include "backup_note.h"
#include "cache_core.h"
#include "dictionary.h"
#include "directory_lock.h"
#include "guarded.h"
#include "journal.h"
#include "kill_point.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

bool IsWithin(const std::string& inner, const std::string& outer) {
  std::error_code error;
  const fs::path relative =
      fs::weakly_canonical(inner, error).lexically_relative(fs::weakly_canonical(outer, error));
  return !relative.empty() && *relative.begin() != "..";
}

// Ledgers and states of backups that are no more, or never were complete.
void DeleteOrphans(const std::string& directory) {
  const Result<std::vector<StoreBackup>> backups = ListStoreBackups(BackupRows(directory));
  if (!backups.ok()) return;
  std::set<std::string> wanted;
  for (const StoreBackup& backup : *backups) {
    const std::optional<BackupNote> note = DecodeNote(backup.note);
    if (!note) return;  // of another version: whose files are whose is not for us to say
    wanted.insert(BackupLedger(directory, note->name));
    wanted.insert(BackupState(directory, note->name));
  }
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool ours = name.starts_with("ledger-") || name.starts_with("state-");
    std::error_code ignored;
    if (ours && !wanted.contains(directory + "/" + name)) fs::remove(it->path(), ignored);
  }
}

// No other backup's has it, of another branch of this cache either.
std::string NameOf(std::string_view mark) {
  std::uint64_t number = 0;
  for (const char byte : mark) number = number << 8 | static_cast<unsigned char>(byte);
  return std::to_string(number);
}

// Two caches would delete each other's backups, and overwrite ledgers of the same name. A state
// that cannot be read is of nobody.
Status CheckIsOurs(const std::string& directory, const State& ours) {
  const Result<FoundBackup> newest = FindBackup(directory, 0);
  if (newest.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!newest.ok()) return newest.status();
  State theirs;
  const Status status = ReadState(BackupState(directory, newest->note.name), theirs);
  if (!status.ok() || IsSameLineage(ours, theirs)) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          directory + " has backups of another cache, or of this one before it was restored " +
              "without its ledger or lost its state; give a directory that has none"};
}

}  // namespace

Result<BackupInfo> CacheCore::Backup(const BackupOptions& options) {
  if (options.directory.empty() || options.keep == 0) {
    return Status(StatusCode::kInvalidArgument, "backup without a directory, or keeping none");
  }
  if (IsWithin(options.directory, options_.directory)) {
    return Status(StatusCode::kInvalidArgument,
                  options.directory + " is within the cache's directory " + options_.directory);
  }
  const Result<DirectoryLock> lock = DirectoryLock::Take(options.directory, /*create=*/true);
  if (!lock.ok()) return lock.status();
  State ours;
  {
    const std::lock_guard state_lock(state_mutex_);
    ours = state_;
  }
  Status status = CheckIsOurs(options.directory, ours);
  if (!status.ok()) return status;
  BackupInfo info;
  status = supervisor_->RunLong([&](Store& store) { return BackUpTo(options, store, info); });
  if (!status.ok()) return status.WithContext("backup");
  DeleteOrphans(options.directory);
  return info;
}

Status CacheCore::BackUpTo(const BackupOptions& options, Store& store, BackupInfo& info) {
  BackupNote note;
  note.known_until = clock_->Now();
  note.sequence = store.LatestSequence();
  // A directory that has the mark, though it be put back from a snapshot, has all rows up to that
  // sequence number, and what is invalidated in it has greater numbers than those being copied.
  Status status = store.Sync();
  if (!status.ok()) return status;
  State state;  // with this backup's mark as the latest, and not that of another made meanwhile
  {
    const std::lock_guard lock(state_mutex_);
    AddMark(state_);
    state = state_;
  }
  note.name = NameOf(LatestMark(state));
  status = SaveState();
  if (!status.ok()) return status;
  status = ledger_->CopyTo(BackupLedger(options.directory, note.name));
  if (!status.ok()) return status;
  state.anchor = clock_->Save();
  state.counters = counters_.Read();
  state.number_bound = ledger_->NumberBound();
  status = WriteState(BackupState(options.directory, note.name), state);
  if (!status.ok()) return status;
  // Before the rows and after them: one may be dropped, another adopted, while they are copied.
  const std::string dictionaries = BackupDictionaries(options.directory);
  status = CopyDictionaries(PathOf("dict"), dictionaries);
  if (!status.ok()) return status;
  const Result<StoreBackup> rows = BackUpRows(
      {.directory = BackupRows(options.directory), .note = EncodeNote(note), .keep = options.keep},
      store);
  if (!rows.ok()) return rows.status();
  info = InfoOf(*rows, note);
  status = CopyDictionaries(PathOf("dict"), dictionaries);
  return status.ok() ? SyncDirectory(options.directory) : status;  // the names of rows/ and dict/
}

Result<StoreBackup> CacheCore::BackUpRows(StoreBackupTask task, Store& store) {
  const TableCopies::Copy copy(copies_, store);
  if (Status status = copies_.HoldMergesIfTight(store, budget_); !status.ok()) return status;
  task.given_up = [this] {
    KillPoint("tables copied");
    return copies_.given_up();
  };
  // Tables are copied by their names: in another directory they may be another's.
  task.confirm = [this] { return CheckDirectory(); };
  Result<StoreBackup> backup = store.BackUp(std::move(task));
  if (backup.ok() || !copies_.given_up()) return backup;
  return Status(StatusCode::kResourceExhausted,
                "removals needed the room on disk that the copy held: try again, to where it takes "
                "less long, or with a larger max_disk_bytes");
}

namespace {

Result<std::vector<BackupInfo>> ListUnguarded(const std::string& backup_directory) {
  const Result<std::vector<StoreBackup>> backups = ListStoreBackups(BackupRows(backup_directory));
  if (!backups.ok()) return backups.status();
  std::vector<BackupInfo> infos;
  for (const StoreBackup& backup : *backups) {
    if (const std::optional<BackupNote> note = DecodeNote(backup.note)) {
      infos.push_back(InfoOf(backup, *note));
    }
  }
  return infos;
}

Status VerifyUnguarded(const std::string& backup_directory, std::uint32_t id) {
  const Result<FoundBackup> backup = FindBackup(backup_directory, id);
  if (!backup.ok()) return backup.status();
  State state;
  Status status = ReadState(BackupState(backup_directory, backup->note.name), state);
  if (!status.ok()) return {StatusCode::kDataLoss, status.message()};
  Journal ledger(JournalFiles::System(), BackupLedger(backup_directory, backup->note.name), 1);
  const Result<JournalContents> contents = ledger.Read([](const JournalRecord&) {});
  if (!contents.ok()) return contents.status();
  if (!contents->found || !contents->damage.empty()) {
    return {StatusCode::kDataLoss, "the backup's ledger " + contents->damage};
  }
  status = VerifyDictionaries(BackupDictionaries(backup_directory));
  if (!status.ok()) return status;
  return VerifyStoreBackup(BackupRows(backup_directory), backup->rows.id);
}

}  // namespace

Result<std::vector<BackupInfo>> ListBackups(const std::string& backup_directory) {
  return Guarded([&] { return ListUnguarded(backup_directory); });
}

Status VerifyBackup(const std::string& backup_directory, std::uint32_t id) {
  return Guarded([&] { return VerifyUnguarded(backup_directory, id); });
}

}  // namespace larder
