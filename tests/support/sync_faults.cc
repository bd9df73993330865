#include "sync_faults.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <system_error>

namespace larder::testing {
namespace {

std::mutex mutex;
SyncFaults* faults = nullptr;  // guarded by mutex

std::string Canonical(const std::string& path) {
  return std::filesystem::weakly_canonical(path).string();
}

}  // namespace

SyncFaults::SyncFaults() {
  const std::lock_guard lock(mutex);
  faults = this;
}

SyncFaults::~SyncFaults() {
  const std::lock_guard lock(mutex);
  faults = nullptr;
}

void SyncFaults::Fail(const std::string& path) {
  const std::lock_guard lock(mutex);
  failing_.insert(Canonical(path));
}

void SyncFaults::Heal() {
  const std::lock_guard lock(mutex);
  failing_.clear();
}

bool SyncFaults::Lasts(const std::string& path) const {
  const std::filesystem::path whole = std::filesystem::absolute(path);
  const std::lock_guard lock(mutex);
  const auto names = names_.find(Canonical(whole.parent_path()));
  return names != names_.end() && names->second.contains(whole.filename());
}

void SyncFaults::Skip() {
  const std::lock_guard lock(mutex);
  skip_ = true;
}

void SyncFaults::Forget() {
  const std::lock_guard lock(mutex);
  names_.clear();
}

int Sync(int fd, long call) {
  const std::lock_guard lock(mutex);
  std::string path;
  if (faults != nullptr) {
    if (faults->skip_) return 0;
    std::error_code error;
    path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string();
    if (faults->failing_.contains(path)) {
      errno = EIO;
      return -1;
    }
  }
  const int result = static_cast<int>(::syscall(call, fd));
  std::error_code error;
  if (faults != nullptr && result == 0 && std::filesystem::is_directory(path, error)) {
    std::set<std::string>& names = faults->names_[path];
    names.clear();
    for (const auto& item : std::filesystem::directory_iterator(path, error)) {
      names.insert(item.path().filename());
    }
  }
  return result;
}

}  // namespace larder::testing

extern "C" int fsync(int fd) { return larder::testing::Sync(fd, SYS_fsync); }
extern "C" int fdatasync(int fd) { return larder::testing::Sync(fd, SYS_fdatasync); }
