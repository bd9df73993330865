// BackupNote: what a backup of the store says of the files that belong to it. In the backup
// directory: `rows/` (RocksDB's), and for each backup `ledger-<name>` and `state-<name>`, formats
// as in a cache's directory. The note is committed with the rows, at one instant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "larder/backup.h"
#include "store_backup.h"

namespace larder {

struct BackupNote {
  TimePoint known_until{};
  // The store's sequence number before its rows were copied: what was written up to it is there.
  std::uint64_t sequence = 0;
  std::string name;
};

inline std::string BackupRows(const std::string& directory) { return directory + "/rows"; }
inline std::string BackupDictionaries(const std::string& directory) { return directory + "/dict"; }
inline std::string BackupLedger(const std::string& directory, const std::string& name) {
  return directory + "/ledger-" + name;
}
inline std::string BackupState(const std::string& directory, const std::string& name) {
  return directory + "/state-" + name;
}

std::string EncodeNote(const BackupNote& note);
// Null: of another version, or not ours.
std::optional<BackupNote> DecodeNote(const std::string& text);
BackupInfo InfoOf(const StoreBackup& backup, const BackupNote& note);

// The backup with this id (0 = the newest) and its note. Errors: kNotFound, kUnavailable.
struct FoundBackup {
  StoreBackup rows;
  BackupNote note;
};
Result<FoundBackup> FindBackup(const std::string& directory, std::uint32_t id);

}  // namespace larder
