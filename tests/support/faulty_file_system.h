// FaultyFileSystem: a file system under RocksDB that can be made to run out of space.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace larder::testing {

// While `full()` is set, everything that would take space fails as on a full disk. Thread-safe.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  std::atomic<bool>& full() { return full_; }
  // Writes that were refused.
  int refused() const { return refused_; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    if (IsRefused()) return NoSpace();
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, &file, debug);
    if (status.ok()) *result = std::make_unique<File>(std::move(file), *this);
    return status;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyFileSystem& system)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), system_(system) {}

    using rocksdb::FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (system_.IsRefused()) return NoSpace();
      return rocksdb::FSWritableFileOwnerWrapper::Append(data, options, debug);
    }

   private:
    FaultyFileSystem& system_;
  };

  static rocksdb::IOStatus NoSpace() {
    rocksdb::IOStatus status = rocksdb::IOStatus::NoSpace("the test's disk is full");
    status.SetRetryable(true);
    return status;
  }
  bool IsRefused() {
    if (full_) ++refused_;
    return full_;
  }

  std::atomic<bool> full_{false};
  std::atomic<int> refused_{0};
};

}  // namespace larder::testing
