// Backups of the store's rows, by RocksDB's BackupEngine: it copies to another file system, keeps
// table files that several backups share once, checks what it copies, and a backup is there whole
// or not at all. (Checkpoints are hard links: of use on the same disk only.)
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "larder/result.h"

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace larder {

struct StoreBackup {
  std::uint32_t id = 0;
  std::string note;  // as given when it was made
  std::uint64_t bytes = 0;
};

struct StoreBackupTask {
  std::string directory;
  std::string note;
  std::uint32_t keep = 1;               // older ones are deleted
  std::function<bool()> given_up = {};  // asked every few MiB
  // Asked when all is copied: an error, and the backup is deleted again.
  std::function<Status()> confirm = {};
};

// Errors of all: kUnavailable, kResourceExhausted (no space), kDataLoss, kNotFound (no such
// backup).
Result<StoreBackup> BackUpStore(rocksdb::DB& db, const StoreBackupTask& task);
// Oldest first; damaged ones are left out.
Result<std::vector<StoreBackup>> ListStoreBackups(const std::string& directory);
Status VerifyStoreBackup(const std::string& directory, std::uint32_t id);
// Into `target`, which must not exist.
Status RestoreStore(const std::string& directory, std::uint32_t id, const std::string& target);

}  // namespace larder
