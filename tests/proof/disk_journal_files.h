// DiskJournalFiles: a MemoryDisk as the journal sees it.
#pragma once

#include <memory>
#include <string>

#include "journal_file.h"
#include "memory_disk.h"

namespace larder::testing {

// The disk must outlive it.
class DiskJournalFiles final : public JournalFiles {
 public:
  explicit DiskJournalFiles(MemoryDisk& disk) : disk_(disk) {}

  Result<std::unique_ptr<JournalFile>> Open(const std::string& path) override;
  Result<std::unique_ptr<JournalFile>> Create(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status SyncDirectoryOf(const std::string& path) override;

 private:
  MemoryDisk& disk_;
};

}  // namespace larder::testing
