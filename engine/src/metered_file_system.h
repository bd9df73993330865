// MeteredFileSystem: knows at every instant what the store's files take on disk, and which logs
// have been written and deleted.
//
// Asking `du` takes a call a file and is late; this counts as files are written, renamed and
// deleted.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "larder/status.h"
#include "space_budget.h"
#include "store_mark.h"

namespace larder {

// Thread-safe. Counts what lies in `directory` (blocks of 4 KiB), which only it may change. Reads
// go to `target` untouched.
class MeteredFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  // Starts `use` from what is there. `may_change` is asked before a file there is made, renamed or
  // deleted, by any thread; null: it may.
  MeteredFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, std::string directory,
                    DiskUse& use, std::function<Status()> may_change);
  // `use` is zero again.
  ~MeteredFileSystem() override;

  // Asked before a new manifest is put in force, which fails with its error. Null: nobody is. By
  // the thread that opens the store, before and after.
  void AskBeforeManifest(std::function<Status()> ask) { before_manifest_ = std::move(ask); }

  // Sets what the mark says of logs.
  void NoteLogs(StoreMark& mark);

  static const char* kClassName() { return "LarderMeteredFileSystem"; }
  const char* Name() const override { return kClassName(); }

  // One file's size, shared by the file that is being written and the directory.
  class Size;

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& name, std::size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

 private:
  rocksdb::IOStatus MayChange(const std::string& name) const;
  bool Counts(const std::string& name) const { return name.starts_with(directory_ + "/"); }
  std::shared_ptr<Size> Add(const std::string& name, std::uint64_t bytes);
  void Drop(const std::string& name);

  const std::string directory_;
  DiskUse& use_;
  const std::function<Status()> may_change_;
  std::function<Status()> before_manifest_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::shared_ptr<Size>> sizes_;
  std::uint64_t log_gone_ = 0;  // see StoreMark
};

}  // namespace larder
