#include "metered_file_system.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "guarded.h"

namespace larder {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr std::int64_t kBlock = 4096;

bool IsLog(const std::string& path) { return path.ends_with(".log"); }

std::uint64_t NumberOf(const std::string& path) {
  return std::strtoull(path.c_str() + path.rfind('/') + 1, nullptr, 10);
}

std::int64_t InBlocks(std::int64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

IOStatus ToRocksDb(const Status& status) {
  if (status.ok()) return IOStatus::OK();
  if (status.code() == StatusCode::kResourceExhausted) return IOStatus::NoSpace(status.message());
  return IOStatus::IOError(status.message());
}

}  // namespace

class MeteredFileSystem::Size {
 public:
  Size(DiskUse& use, bool is_log, std::int64_t bytes) : use_(use), is_log_(is_log) { Set(bytes); }
  ~Size() { Set(0); }
  Size(const Size&) = delete;
  Size& operator=(const Size&) = delete;

  // By the one who writes the file.
  void Grow(std::size_t bytes) { Set(bytes_ + static_cast<std::int64_t>(bytes)); }
  void Set(std::int64_t bytes) {
    const std::int64_t more = InBlocks(bytes) - InBlocks(bytes_);
    bytes_ = bytes;
    if (more == 0 || dropped_) return;
    use_.bytes += more;
    if (is_log_) use_.log_bytes += more;
  }
  // What is in it was written whole; while the first bytes are on their way it was not.
  void SetWritten() { written_ = true; }
  bool was_written() const { return written_; }
  // The file is gone, though somebody may still have it open.
  void Drop() {
    Set(0);
    dropped_ = true;
  }

 private:
  DiskUse& use_;
  const bool is_log_;
  std::atomic<bool> dropped_{false};
  std::atomic<bool> written_{false};
  std::atomic<std::int64_t> bytes_{0};
};

namespace {

class MeteredFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  MeteredFile(std::unique_ptr<rocksdb::FSWritableFile> file,
              std::shared_ptr<MeteredFileSystem::Size> size)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), size_(std::move(size)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    size_->Grow(data.size());
    return Written(rocksdb::FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    size_->Grow(data.size());
    return Written(rocksdb::FSWritableFileOwnerWrapper::Append(data, options, verification, debug));
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = rocksdb::FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) size_->Set(static_cast<std::int64_t>(size));
    return status;
  }

 private:
  IOStatus Written(IOStatus status) {
    if (status.ok()) size_->SetWritten();
    return status;
  }

  const std::shared_ptr<MeteredFileSystem::Size> size_;
};

}  // namespace

MeteredFileSystem::MeteredFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target,
                                     std::string directory, DiskUse& use,
                                     std::function<Status()> may_change)
    : rocksdb::FileSystemWrapper(target),
      directory_(std::move(directory)),
      use_(use),
      may_change_(std::move(may_change)) {
  std::vector<std::string> names;
  if (!target->GetChildren(directory_, IOOptions(), &names, nullptr).ok()) return;  // a new one
  for (const std::string& name : names) {
    std::string path = directory_;
    path += "/" + name;
    std::uint64_t bytes = 0;
    if (name != "." && name != ".." &&
        target->GetFileSize(path, IOOptions(), &bytes, nullptr).ok()) {
      Add(path, bytes);
    }
  }
}

MeteredFileSystem::~MeteredFileSystem() = default;

std::shared_ptr<MeteredFileSystem::Size> MeteredFileSystem::Add(const std::string& name,
                                                                std::uint64_t bytes) {
  auto size = std::make_shared<Size>(use_, IsLog(name), static_cast<std::int64_t>(bytes));
  if (bytes != 0) size->SetWritten();
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Size>& place = sizes_[name];
  if (place != nullptr) place->Drop();
  place = size;
  return size;
}

void MeteredFileSystem::Drop(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(name);
  if (found == sizes_.end()) return;
  if (IsLog(name) && found->second->was_written()) {
    log_gone_ = std::max(log_gone_, NumberOf(name));
  }
  found->second->Drop();
  sizes_.erase(found);
}

void MeteredFileSystem::NoteLogs(StoreMark& mark) {
  std::vector<std::uint64_t> logs;
  {
    const std::lock_guard lock(mutex_);
    mark.gone = log_gone_;
    for (const auto& [name, size] : sizes_) {
      if (IsLog(name) && size->was_written()) logs.push_back(NumberOf(name));
    }
  }
  std::sort(logs.begin(), logs.end());  // names are not in that order above 999,999
  // While a backup is made, all stay that are in tables already. The newest are not.
  const std::size_t kept = std::min(logs.size(), StoreMark::kMostLogs);
  mark.logs = {};
  std::copy(logs.end() - static_cast<std::ptrdiff_t>(kept), logs.end(), mark.logs.begin());
}

IOStatus MeteredFileSystem::MayChange(const std::string& name) const {
  if (!may_change_ || !Counts(name)) return IOStatus::OK();
  return ToRocksDb(Guarded(may_change_));
}

IOStatus MeteredFileSystem::NewWritableFile(const std::string& name,
                                            const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* result,
                                            IODebugContext* debug) {
  if (IOStatus may = MayChange(name); !may.ok()) return may;
  IOStatus status = target()->NewWritableFile(name, options, result, debug);
  if (status.ok() && Counts(name)) {
    *result = std::make_unique<MeteredFile>(std::move(*result), Add(name, 0));
  }
  return status;
}

IOStatus MeteredFileSystem::ReopenWritableFile(const std::string& name,
                                               const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* result,
                                               IODebugContext* debug) {
  if (IOStatus may = MayChange(name); !may.ok()) return may;
  std::uint64_t bytes = 0;
  if (!target()->GetFileSize(name, IOOptions(), &bytes, nullptr).ok()) bytes = 0;
  IOStatus status = target()->ReopenWritableFile(name, options, result, debug);
  if (status.ok() && Counts(name)) {
    *result = std::make_unique<MeteredFile>(std::move(*result), Add(name, bytes));
  }
  return status;
}

IOStatus MeteredFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                       IODebugContext* debug) {
  if (IOStatus may = MayChange(name); !may.ok()) return may;
  IOStatus status = target()->DeleteFile(name, options, debug);
  if (status.ok()) Drop(name);
  return status;
}

IOStatus MeteredFileSystem::RenameFile(const std::string& from, const std::string& to,
                                       const IOOptions& options, IODebugContext* debug) {
  if (IOStatus may = MayChange(to); !may.ok()) return may;
  if (before_manifest_ && to == directory_ + "/CURRENT") {
    if (IOStatus asked = ToRocksDb(before_manifest_()); !asked.ok()) return asked;
  }
  IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const auto moved = sizes_.find(from);
  if (moved == sizes_.end()) return status;
  std::shared_ptr<Size>& place = sizes_[to];
  if (place != nullptr) place->Drop();
  place = moved->second;
  sizes_.erase(moved);
  return status;
}

IOStatus MeteredFileSystem::Truncate(const std::string& name, std::size_t size,
                                     const IOOptions& options, IODebugContext* debug) {
  IOStatus status = target()->Truncate(name, size, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(name);
  if (found != sizes_.end()) found->second->Set(static_cast<std::int64_t>(size));
  return status;
}

}  // namespace larder
