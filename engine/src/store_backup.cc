#include "store_backup.h"

#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>

#include <memory>
#include <utility>

#include "rocks_status.h"

namespace larder {
namespace {

StoreBackup FromInfo(const rocksdb::BackupInfo& info) {
  return {.id = info.backup_id, .note = info.app_metadata, .bytes = info.size};
}

Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> OpenToRead(const std::string& directory) {
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const rocksdb::Status status = rocksdb::BackupEngineReadOnly::Open(
      rocksdb::Env::Default(), rocksdb::BackupEngineOptions(directory), &engine);
  if (status.IsNotFound() || status.IsPathNotFound()) {
    return Status(StatusCode::kNotFound, "no backups in " + directory);
  }
  if (!status.ok()) return FromRocksDb(status);
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine);
}

}  // namespace

Result<StoreBackup> BackUpStore(rocksdb::DB& db, const StoreBackupTask& task) {
  rocksdb::BackupEngine* opened = nullptr;
  rocksdb::Status status = rocksdb::BackupEngine::Open(rocksdb::BackupEngineOptions(task.directory),
                                                       rocksdb::Env::Default(), &opened);
  if (!status.ok()) return FromRocksDb(status).WithContext("open backups");
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  rocksdb::CreateBackupOptions options;
  options.flush_before_backup = true;  // what is in table files is shared by later backups
  options.progress_callback = [&] {
    if (task.given_up && task.given_up()) engine->StopBackup();
  };
  rocksdb::BackupID id = 0;
  status = engine->CreateNewBackupWithMetadata(options, &db, task.note, &id);
  if (!status.ok()) return FromRocksDb(status).WithContext("back up");
  if (const Status confirmed = task.confirm ? task.confirm() : Status::Ok(); !confirmed.ok()) {
    static_cast<void>(engine->DeleteBackup(id));
    return confirmed;
  }
  status = engine->PurgeOldBackups(task.keep);
  if (!status.ok()) return FromRocksDb(status).WithContext("delete old backups");
  rocksdb::BackupInfo info;
  status = engine->GetBackupInfo(id, &info);
  if (!status.ok()) return FromRocksDb(status);
  return FromInfo(info);
}

Result<std::vector<StoreBackup>> ListStoreBackups(const std::string& directory) {
  const auto engine = OpenToRead(directory);
  if (!engine.ok()) return engine.status();
  std::vector<rocksdb::BackupInfo> infos;
  (*engine)->GetBackupInfo(&infos);
  std::vector<StoreBackup> backups;
  for (const rocksdb::BackupInfo& info : infos) backups.push_back(FromInfo(info));
  return backups;
}

Status VerifyStoreBackup(const std::string& directory, std::uint32_t id) {
  const auto engine = OpenToRead(directory);
  if (!engine.ok()) return engine.status();
  const rocksdb::Status status = (*engine)->VerifyBackup(id, /*verify_with_checksum=*/true);
  // A file that is missing is damage too.
  if (status.IsNotFound()) return {StatusCode::kDataLoss, status.ToString()};
  return FromRocksDb(status);
}

Status RestoreStore(const std::string& directory, std::uint32_t id, const std::string& target) {
  const auto engine = OpenToRead(directory);
  if (!engine.ok()) return engine.status();
  return FromRocksDb((*engine)->RestoreDBFromBackup(id, target, target));
}

}  // namespace larder
