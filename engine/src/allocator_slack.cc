#include "allocator_slack.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace larder {

void BoundAllocatorSlack() {
#ifdef __GLIBC__
  static const bool done = [] {
    constexpr int kMapFrom = 1 << 20;
    // Else each large block freed at the top of an arena is a system call.
    constexpr int kKeptOnTop = 4 << 20;
    if (std::getenv("MALLOC_MMAP_THRESHOLD_") != nullptr) return true;
    return ::mallopt(M_MMAP_THRESHOLD, kMapFrom) == 1 &&
           ::mallopt(M_TRIM_THRESHOLD, kKeptOnTop) == 1;
  }();
  static_cast<void>(done);
#endif
}

}  // namespace larder
