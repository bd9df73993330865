// FailingDisk: makes the disk of another process hang, fail or fill up. The process is a program
// that is linked with failing_disk_calls.cc; what it has below `data/` in the directory in which it
// starts is on that disk.
#pragma once

#include <string>

namespace larder::testing {

enum class DiskState : char {
  kWell = 'w',
  kHangs = 'h',     // calls return when it is in another state
  kBroken = 'b',    // EIO
  kFull = 'f',      // ENOSPC for what writes
  kReadOnly = 'r',  // EROFS for what writes
};

// In the directory in which the process starts, one byte: the state.
inline constexpr char kDiskStateFile[] = "disk-state";

// Before the process is started.
class FailingDisk {
 public:
  // `directory`: in which the process starts. Throws std::runtime_error.
  explicit FailingDisk(const std::string& directory);
  ~FailingDisk();
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  void Become(DiskState state);

 private:
  char* state_;  // shared with the process
};

}  // namespace larder::testing
