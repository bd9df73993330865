#include "failing_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

namespace larder::testing {

FailingDisk::FailingDisk(const std::string& directory) {
  const std::string file = directory + "/" + kDiskStateFile;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const char well = static_cast<char>(DiskState::kWell);
  if (fd < 0 || ::write(fd, &well, 1) != 1) throw std::runtime_error("cannot write " + file);
  void* const shared = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (shared == MAP_FAILED) throw std::runtime_error("cannot map " + file);
  state_ = static_cast<char*>(shared);
}

FailingDisk::~FailingDisk() { ::munmap(state_, 1); }

void FailingDisk::Become(DiskState state) {
  std::atomic_ref<char>(*state_).store(static_cast<char>(state));
}

}  // namespace larder::testing
