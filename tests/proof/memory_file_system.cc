#include "memory_file_system.h"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace larder::testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Into `scratch`, as RocksDB wants it.
void ReadInto(MemoryDisk& disk, const MemoryDisk::File& file, std::uint64_t offset,
              std::size_t count, Slice* result, char* scratch) {
  const std::string bytes = disk.Read(file, offset, count);
  std::memcpy(scratch, bytes.data(), bytes.size());
  *result = Slice(scratch, bytes.size());
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(MemoryDisk& disk, MemoryDisk::File file) : disk_(disk), file_(std::move(file)) {}
  IOStatus Read(std::size_t count, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*debug*/) override {
    ReadInto(disk_, file_, offset_, count, result, scratch);
    offset_ += result->size();
    return IOStatus::OK();
  }
  IOStatus Skip(std::uint64_t count) override {
    offset_ += count;
    return IOStatus::OK();
  }

 private:
  MemoryDisk& disk_;
  const MemoryDisk::File file_;
  std::uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(MemoryDisk& disk, MemoryDisk::File file) : disk_(disk), file_(std::move(file)) {}
  IOStatus Read(std::uint64_t offset, std::size_t count, const IOOptions& /*options*/,
                Slice* result, char* scratch, IODebugContext* /*debug*/) const override {
    ReadInto(disk_, file_, offset, count, result, scratch);
    return IOStatus::OK();
  }

 private:
  MemoryDisk& disk_;
  const MemoryDisk::File file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(MemoryDisk& disk, MemoryDisk::File file) : disk_(disk), file_(std::move(file)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*debug*/) override {
    disk_.Append(file_, std::string_view(data.data(), data.size()));
    return IOStatus::OK();
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    if (size < disk_.SizeOf(file_)) disk_.Truncate(file_, size);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    disk_.Sync(file_);
    return IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return disk_.SizeOf(file_);
  }

 private:
  MemoryDisk& disk_;
  const MemoryDisk::File file_;
};

class DirectoryHandle final : public rocksdb::FSDirectory {
 public:
  DirectoryHandle(MemoryDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    disk_.SyncDirectory(path_);
    return IOStatus::OK();
  }

 private:
  MemoryDisk& disk_;
  const std::string path_;
};

// The wrapped, real one answers only what does not touch files.
class MemoryFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit MemoryFileSystem(MemoryDisk& disk)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}
  const char* Name() const override { return "MemoryFileSystem"; }

  IOStatus NewSequentialFile(const std::string& name, const FileOptions& /*options*/,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* /*debug*/) override {
    return Opened<SequentialFile>(name, result);
  }
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& /*options*/,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* /*debug*/) override {
    return Opened<RandomAccessFile>(name, result);
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& /*options*/,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* /*debug*/) override {
    return Opened<WritableFile>(name, result);
  }
  IOStatus NewWritableFile(const std::string& name, const FileOptions& /*options*/,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* /*debug*/) override {
    *result = std::make_unique<WritableFile>(disk_, disk_.Create(name));
    return IOStatus::OK();
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& /*options*/,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* /*debug*/) override {
    *result = std::make_unique<DirectoryHandle>(disk_, WithoutSlash(name));
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& name, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    const bool exists = disk_.Find(name) != nullptr || !disk_.Children(WithoutSlash(name)).empty();
    return exists ? IOStatus::OK() : IOStatus::NotFound(name);
  }
  IOStatus GetChildren(const std::string& directory, const IOOptions& /*options*/,
                       std::vector<std::string>* result, IODebugContext* /*debug*/) override {
    *result = disk_.Children(WithoutSlash(directory));
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    return disk_.Remove(name) ? IOStatus::OK() : IOStatus::NotFound(name);
  }
  IOStatus Truncate(const std::string& name, std::size_t size, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    const MemoryDisk::File file = disk_.Find(name);
    if (file == nullptr) return IOStatus::PathNotFound(name);
    disk_.Truncate(file, size);
    return IOStatus::OK();
  }
  IOStatus CreateDir(const std::string& /*name*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus CreateDirIfMissing(const std::string& /*name*/, const IOOptions& /*options*/,
                              IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus DeleteDir(const std::string& /*name*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus GetFileSize(const std::string& name, const IOOptions& /*options*/, std::uint64_t* size,
                       IODebugContext* /*debug*/) override {
    const MemoryDisk::File file = disk_.Find(name);
    if (file == nullptr) return IOStatus::PathNotFound(name);
    *size = disk_.SizeOf(file);
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string& /*name*/, const IOOptions& /*options*/,
                                   std::uint64_t* time, IODebugContext* /*debug*/) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    return disk_.Rename(from, to) ? IOStatus::OK() : IOStatus::PathNotFound(from);
  }
  IOStatus LockFile(const std::string& name, const IOOptions& /*options*/, rocksdb::FileLock** lock,
                    IODebugContext* /*debug*/) override {
    *lock = new Lock(name);
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/,
                      IODebugContext* /*debug*/) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string& /*path*/, const IOOptions& /*options*/,
                        std::uint64_t* bytes, IODebugContext* /*debug*/) override {
    *bytes = std::uint64_t{1} << 40;
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& /*options*/,
                           std::string* result, IODebugContext* /*debug*/) override {
    *result = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions& /*options*/, bool* is_directory,
                       IODebugContext* /*debug*/) override {
    *is_directory = disk_.Find(path) == nullptr;
    return IOStatus::OK();
  }

 private:
  class Lock final : public rocksdb::FileLock {
   public:
    explicit Lock(std::string name) : name_(std::move(name)) {}

   private:
    const std::string name_;
  };

  template <typename Handle, typename Base>
  IOStatus Opened(const std::string& name, std::unique_ptr<Base>* result) {
    MemoryDisk::File file = disk_.Find(name);
    if (file == nullptr) return IOStatus::PathNotFound(name);
    *result = std::make_unique<Handle>(disk_, std::move(file));
    return IOStatus::OK();
  }

  MemoryDisk& disk_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> MakeMemoryFileSystem(MemoryDisk& disk) {
  return std::make_shared<MemoryFileSystem>(disk);
}

}  // namespace larder::testing
