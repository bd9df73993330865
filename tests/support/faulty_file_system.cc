#include "faulty_file_system.h"

namespace larder::testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using Kind = FaultyFileSystem::Kind;

class WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyFileSystem& system)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), system_(system) {}

  using rocksdb::FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = system_.Operate(Kind::kWrite);
    if (!status.ok()) return status;
    return rocksdb::FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Operate(Kind::kSync);
    if (!status.ok()) return status;
    return rocksdb::FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Operate(Kind::kSync);
    if (!status.ok()) return status;
    return rocksdb::FSWritableFileOwnerWrapper::Fsync(options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = system_.Operate(Kind::kWrite);
    IOStatus closed = rocksdb::FSWritableFileOwnerWrapper::Close(options, debug);
    return status.ok() ? closed : status;
  }

 private:
  FaultyFileSystem& system_;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  RandomAccessFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, FaultyFileSystem& system)
      : rocksdb::FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Read(std::uint64_t offset, std::size_t count, const IOOptions& options,
                rocksdb::Slice* result, char* scratch, IODebugContext* debug) const override {
    IOStatus status = system_.Operate(Kind::kRead);
    if (!status.ok()) return status;
    return rocksdb::FSRandomAccessFileOwnerWrapper::Read(offset, count, options, result, scratch,
                                                         debug);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* reads, std::size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    IOStatus status = system_.Operate(Kind::kRead);
    if (!status.ok()) return status;
    return rocksdb::FSRandomAccessFileOwnerWrapper::MultiRead(reads, count, options, debug);
  }

 private:
  FaultyFileSystem& system_;
};

class SequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  SequentialFile(std::unique_ptr<rocksdb::FSSequentialFile> file, FaultyFileSystem& system)
      : rocksdb::FSSequentialFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Read(std::size_t count, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* debug) override {
    IOStatus status = system_.Operate(Kind::kRead);
    if (!status.ok()) return status;
    return rocksdb::FSSequentialFileOwnerWrapper::Read(count, options, result, scratch, debug);
  }

 private:
  FaultyFileSystem& system_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, FaultyFileSystem& system)
      : rocksdb::FSDirectoryWrapper(std::move(directory)), system_(system) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Operate(Kind::kSync);
    if (!status.ok()) return status;
    return rocksdb::FSDirectoryWrapper::Fsync(options, debug);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    IOStatus status = system_.Operate(Kind::kSync);
    if (!status.ok()) return status;
    return rocksdb::FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how);
  }

 private:
  FaultyFileSystem& system_;
};

}  // namespace

IOStatus FaultyFileSystem::Judge(Kind kind, std::uint64_t number) {
  if (full_ && kind == Kind::kWrite) {
    IOStatus status = IOStatus::NoSpace("the test's disk is full");
    status.SetRetryable(true);
    return status;
  }
  if (read_only_ && kind != Kind::kRead) return IOStatus::IOError("Read-only file system");
  if (reads_fail_ && kind == Kind::kRead) return IOStatus::IOError("the test's disk is bad");
  if (!failing_) return IOStatus::OK();
  const std::lock_guard lock(mutex_);
  return number >= fail_from_ && number < fail_before_ ? failure_ : IOStatus::OK();
}

void FaultyFileSystem::Wait(Kind kind) {
  std::unique_lock lock(mutex_);
  if (!hanging_ || kind != hanging_kind_) return;
  ++waiting_;
  came_.notify_all();
  released_.wait(lock, [this] { return !hanging_; });
  --waiting_;
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                                           IODebugContext* debug) {
  IOStatus status = Operate(Kind::kWrite);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  if (status.ok()) status = target()->NewWritableFile(name, options, &file, debug);
  if (status.ok()) *result = std::make_unique<WritableFile>(std::move(file), *this);
  return status;
}

IOStatus FaultyFileSystem::NewRandomAccessFile(const std::string& name,
                                               const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                               IODebugContext* debug) {
  IOStatus status = Operate(Kind::kRead);
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  if (status.ok()) status = target()->NewRandomAccessFile(name, options, &file, debug);
  if (status.ok()) *result = std::make_unique<RandomAccessFile>(std::move(file), *this);
  return status;
}

IOStatus FaultyFileSystem::NewSequentialFile(const std::string& name,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                             IODebugContext* debug) {
  IOStatus status = Operate(Kind::kRead);
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (status.ok()) status = target()->NewSequentialFile(name, options, &file, debug);
  if (status.ok()) *result = std::make_unique<SequentialFile>(std::move(file), *this);
  return status;
}

IOStatus FaultyFileSystem::CreateDir(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  IOStatus status = Operate(Kind::kWrite);
  return status.ok() ? target()->CreateDir(name, options, debug) : status;
}

// One that is there takes no space.
IOStatus FaultyFileSystem::CreateDirIfMissing(const std::string& name, const IOOptions& options,
                                              IODebugContext* debug) {
  if (target()->FileExists(name, options, debug).ok()) return IOStatus::OK();
  return CreateDir(name, options, debug);
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                        std::unique_ptr<rocksdb::FSDirectory>* result,
                                        IODebugContext* debug) {
  IOStatus status = Operate(Kind::kRead);
  std::unique_ptr<rocksdb::FSDirectory> directory;
  if (status.ok()) status = target()->NewDirectory(name, options, &directory, debug);
  if (status.ok()) *result = std::make_unique<Directory>(std::move(directory), *this);
  return status;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                      const IOOptions& options, IODebugContext* debug) {
  IOStatus status = Operate(Kind::kName);
  return status.ok() ? target()->RenameFile(from, to, options, debug) : status;
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                      IODebugContext* debug) {
  IOStatus status = Operate(Kind::kName);
  return status.ok() ? target()->DeleteFile(name, options, debug) : status;
}

IOStatus FaultyFileSystem::GetChildren(const std::string& name, const IOOptions& options,
                                       std::vector<std::string>* result, IODebugContext* debug) {
  IOStatus status = Operate(Kind::kRead);
  return status.ok() ? target()->GetChildren(name, options, result, debug) : status;
}

IOStatus FaultyFileSystem::LockFile(const std::string& name, const IOOptions& options,
                                    rocksdb::FileLock** lock, IODebugContext* debug) {
  IOStatus status = Operate(Kind::kName);
  return status.ok() ? target()->LockFile(name, options, lock, debug) : status;
}

IOStatus FaultyFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options,
                                        std::uint64_t* bytes, IODebugContext* debug) {
  IOStatus status = target()->GetFreeSpace(path, options, bytes, debug);
  if (status.ok() && free_bytes_ != 0) *bytes = free_bytes_;
  return status;
}

}  // namespace larder::testing
