// FaultyFileSystem: a file system under RocksDB that fails, fills up, hangs and counts as told.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace larder::testing {

// Thread-safe.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  enum class Kind { kRead, kWrite, kSync, kName };  // kName: creates, renames, deletes, lists

  FaultyFileSystem() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  // While set, everything that would take space fails as on a full disk.
  std::atomic<bool>& full() { return full_; }
  // While set, nothing can be changed, as on a volume mounted read-only.
  std::atomic<bool>& read_only() { return read_only_; }
  // While set, reads of files fail.
  std::atomic<bool>& reads_fail() { return reads_fail_; }
  // What GetFreeSpace says; 0 = the truth.
  std::atomic<std::uint64_t>& free_bytes() { return free_bytes_; }

  // Operations so far that reached the file system, and of those the ones made to fail.
  std::uint64_t operations() const { return operations_; }
  int refused() const { return refused_; }
  // From the `first`-th operation from now on (1 is the next), `count` of them fail with `how`.
  void FailOperations(std::uint64_t first, std::uint64_t count, rocksdb::IOStatus how) {
    const std::lock_guard lock(mutex_);
    fail_from_ = operations_ + first;
    fail_before_ = fail_from_ + count;
    failure_ = std::move(how);
    failing_ = true;
  }
  void FailNothing() { failing_ = false; }

  // From now on operations of this kind wait until Release.
  void Hang(Kind kind) {
    const std::lock_guard lock(mutex_);
    hanging_kind_ = kind;
    hanging_ = true;
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    hanging_ = false;
    released_.notify_all();
  }
  // Blocks until somebody waits for Release.
  void WaitForHanging() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return waiting_ > 0; });
  }

  // The n-th operation, whatever it is; ok if it may go on.
  rocksdb::IOStatus Operate(Kind kind) {
    const std::uint64_t number = ++operations_;
    if (hanging_) Wait(kind);
    rocksdb::IOStatus status = Judge(kind, number);
    if (!status.ok()) ++refused_;
    return status;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& name, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& name, const rocksdb::IOOptions& options,
                                std::vector<std::string>* result,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 std::uint64_t* bytes, rocksdb::IODebugContext* debug) override;

 private:
  rocksdb::IOStatus Judge(Kind kind, std::uint64_t number);
  void Wait(Kind kind);

  std::atomic<bool> full_{false};
  std::atomic<bool> read_only_{false};
  std::atomic<bool> reads_fail_{false};
  std::atomic<std::uint64_t> free_bytes_{0};
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<int> refused_{0};
  std::atomic<bool> failing_{false};
  std::atomic<bool> hanging_{false};

  std::mutex mutex_;
  std::condition_variable released_;
  std::condition_variable came_;
  // Guarded by mutex_.
  std::uint64_t fail_from_ = 0;
  std::uint64_t fail_before_ = 0;
  rocksdb::IOStatus failure_;
  Kind hanging_kind_ = Kind::kRead;
  int waiting_ = 0;
};

}  // namespace larder::testing
