#include "disk_journal_files.h"

#include <utility>

namespace larder::testing {
namespace {

class DiskJournalFile final : public JournalFile {
 public:
  DiskJournalFile(MemoryDisk& disk, MemoryDisk::File file) : disk_(disk), file_(std::move(file)) {}

  Result<std::uint64_t> Size() override { return disk_.SizeOf(file_); }
  Result<std::string> ReadAt(std::uint64_t offset, std::size_t count) override {
    return disk_.Read(file_, offset, count);
  }
  Status WriteAt(std::uint64_t offset, std::string_view bytes) override {
    disk_.Write(file_, offset, bytes);
    return Status::Ok();
  }
  Status Sync() override {
    disk_.Sync(file_);
    return Status::Ok();
  }

 private:
  MemoryDisk& disk_;
  const MemoryDisk::File file_;
};

}  // namespace

Result<std::unique_ptr<JournalFile>> DiskJournalFiles::Open(const std::string& path) {
  MemoryDisk::File file = disk_.Find(path);
  if (file == nullptr) return Status(StatusCode::kNotFound, path + " does not exist");
  return std::unique_ptr<JournalFile>(std::make_unique<DiskJournalFile>(disk_, std::move(file)));
}

Result<std::unique_ptr<JournalFile>> DiskJournalFiles::Create(const std::string& path) {
  return std::unique_ptr<JournalFile>(std::make_unique<DiskJournalFile>(disk_, disk_.Create(path)));
}

Status DiskJournalFiles::Remove(const std::string& path) {
  disk_.Remove(path);
  return Status::Ok();
}

Status DiskJournalFiles::Rename(const std::string& from, const std::string& to) {
  if (disk_.Rename(from, to)) return Status::Ok();
  return {StatusCode::kUnavailable, "rename " + from + ": no such file"};
}

Status DiskJournalFiles::SyncDirectoryOf(const std::string& path) {
  disk_.SyncDirectory(path.substr(0, path.rfind('/')));
  return Status::Ok();
}

}  // namespace larder::testing
