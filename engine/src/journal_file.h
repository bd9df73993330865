// JournalFiles: the few file operations that the journal needs, so that tests can fail each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder {

// One thread at a time.
class JournalFile {
 public:
  virtual ~JournalFile() = default;
  virtual Result<std::uint64_t> Size() = 0;
  // Up to `count` bytes; fewer only at the end. kDataLoss: the medium cannot read them.
  virtual Result<std::string> ReadAt(std::uint64_t offset, std::size_t count) = 0;
  virtual Status WriteAt(std::uint64_t offset, std::string_view bytes) = 0;
  // What was written survives loss of power. After an error nothing is known of what was written
  // since the last success, and trying again on this file proves nothing.
  virtual Status Sync() = 0;
};

// Thread-safe. Errors are kUnavailable, or kResourceExhausted where the volume is full, save where
// said otherwise.
class JournalFiles {
 public:
  virtual ~JournalFiles() = default;
  // kNotFound: there is none.
  virtual Result<std::unique_ptr<JournalFile>> Open(const std::string& path) = 0;
  // Empty, mode 0600; replaces what is there.
  virtual Result<std::unique_ptr<JournalFile>> Create(const std::string& path) = 0;
  // Ok if there is none.
  virtual Status Remove(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // Makes renames in the directory of `path` survive loss of power.
  virtual Status SyncDirectoryOf(const std::string& path) = 0;

  // The operating system's. Lives for ever.
  static JournalFiles& System();
};

}  // namespace larder
