// Takes the place of the C library's calls on files in the program that is linked with it, and does
// with those below `data/` what failing_disk.h says.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include "failing_disk.h"

namespace larder::testing {
namespace {

enum class Does { kRead, kWrite };

const char* disk_state = nullptr;  // null: always well
char disk_root[PATH_MAX];

// Before anything else runs, and so before any thread.
__attribute__((constructor)) void FindDisk() {
  const int fd = ::open(kDiskStateFile, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* const shared = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (shared == MAP_FAILED || ::getcwd(disk_root, sizeof(disk_root) - 8) == nullptr) return;
  std::strcat(disk_root, "/data/");
  disk_state = static_cast<const char*>(shared);
}

DiskState State() {
  // The mapping cannot be written, and nothing here does.
  auto& state = const_cast<char&>(*disk_state);
  return static_cast<DiskState>(std::atomic_ref<char>(state).load());
}

// Whether the call may go on; else errno says why not.
bool Passes(std::string_view path, Does what) {
  if (path.starts_with('/') && !path.starts_with(disk_root)) return true;
  if (!path.starts_with('/') && !path.starts_with("data/")) return true;
  while (true) {
    switch (State()) {
      case DiskState::kWell: return true;
      case DiskState::kBroken: errno = EIO; return false;
      case DiskState::kFull: errno = ENOSPC; return what == Does::kRead;
      case DiskState::kReadOnly: errno = EROFS; return what == Does::kRead;
      case DiskState::kHangs: break;
    }
    const timespec wait{0, 1'000'000};
    ::nanosleep(&wait, nullptr);
  }
}

bool IsWell() { return disk_state == nullptr || State() == DiskState::kWell; }

bool Passes(int fd, Does what) {
  if (IsWell()) return true;
  char link[32] = "/proc/self/fd/";
  int digits = 0;
  for (int rest = fd; rest > 0 || digits == 0; rest /= 10) ++digits;
  link[14 + digits] = '\0';
  for (int rest = fd, i = digits; i > 0; rest /= 10)
    link[13 + i--] = static_cast<char>('0' + rest % 10);
  char path[PATH_MAX];
  const ssize_t size = ::readlink(link, path, sizeof(path));
  return size <= 0 || Passes({path, static_cast<std::size_t>(size)}, what);
}

bool Passes(const char* path, Does what) {
  return IsWell() || Passes(std::string_view(path), what);
}

// Through the sanitizers, which watch some of these, too.
template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

Does ByFlags(int flags) { return (flags & O_CREAT) != 0 ? Does::kWrite : Does::kRead; }

// Whether it may be written: only a disk that is read-only says something of that.
Does ByMode(int mode) {
  return (mode & W_OK) != 0 && !IsWell() && State() == DiskState::kReadOnly ? Does::kWrite
                                                                            : Does::kRead;
}

}  // namespace
}  // namespace larder::testing

using larder::testing::ByFlags;
using larder::testing::ByMode;
using larder::testing::Does;
using larder::testing::Passes;
using larder::testing::Real;

// NOLINTBEGIN: the names and shapes are the C library's.
#define LARDER_ON_DISK(result, name, what, place, parameters, arguments) \
  extern "C" result name parameters {                                    \
    static auto* const real = Real<result parameters>(#name);            \
    if (!Passes(place, what)) return -1;                                 \
    return real arguments;                                               \
  }

LARDER_ON_DISK(ssize_t, read, Does::kRead, fd, (int fd, void* to, size_t n), (fd, to, n))
LARDER_ON_DISK(ssize_t, pread, Does::kRead, fd, (int fd, void* to, size_t n, off_t at),
               (fd, to, n, at))
LARDER_ON_DISK(ssize_t, pread64, Does::kRead, fd, (int fd, void* to, size_t n, off64_t at),
               (fd, to, n, at))
LARDER_ON_DISK(ssize_t, write, Does::kWrite, fd, (int fd, const void* of, size_t n), (fd, of, n))
LARDER_ON_DISK(ssize_t, pwrite, Does::kWrite, fd, (int fd, const void* of, size_t n, off_t at),
               (fd, of, n, at))
LARDER_ON_DISK(ssize_t, pwrite64, Does::kWrite, fd, (int fd, const void* of, size_t n, off64_t at),
               (fd, of, n, at))
LARDER_ON_DISK(int, fsync, Does::kWrite, fd, (int fd), (fd))
LARDER_ON_DISK(int, fdatasync, Does::kWrite, fd, (int fd), (fd))
LARDER_ON_DISK(int, ftruncate, Does::kWrite, fd, (int fd, off_t size), (fd, size))
LARDER_ON_DISK(int, ftruncate64, Does::kWrite, fd, (int fd, off64_t size), (fd, size))
LARDER_ON_DISK(int, fallocate, Does::kWrite, fd, (int fd, int mode, off_t at, off_t n),
               (fd, mode, at, n))
LARDER_ON_DISK(int, fallocate64, Does::kWrite, fd, (int fd, int mode, off64_t at, off64_t n),
               (fd, mode, at, n))
LARDER_ON_DISK(int, unlink, Does::kRead, path, (const char* path) noexcept, (path))
LARDER_ON_DISK(int, mkdir, Does::kWrite, path, (const char* path, mode_t mode) noexcept,
               (path, mode))
LARDER_ON_DISK(int, access, ByMode(mode), path, (const char* path, int mode) noexcept, (path, mode))
LARDER_ON_DISK(int, faccessat, ByMode(mode), path,
               (int folder, const char* path, int mode, int flags) noexcept,
               (folder, path, mode, flags))
LARDER_ON_DISK(int, rename, Does::kWrite, from, (const char* from, const char* to) noexcept,
               (from, to))

#define LARDER_OPEN_ON_DISK(name)                                                        \
  extern "C" int name(const char* path, int flags, ...) {                                \
    static auto* const real = Real<int(const char*, int, ...)>(#name);                   \
    va_list more;                                                                        \
    va_start(more, flags);                                                               \
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                                        \
    if (!Passes(path, ByFlags(flags))) return -1;                                        \
    return real(path, flags, mode);                                                      \
  }

LARDER_OPEN_ON_DISK(open)
LARDER_OPEN_ON_DISK(open64)
// NOLINTEND
