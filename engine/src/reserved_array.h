// ReservedArray: an array of atomics whose size in use can change under its readers.
//
// Address space for the largest size is reserved once; memory is taken only by what was touched.
// So a reader with an old size still reads memory that is there, and no lock is needed.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace larder {

// Elements are std::atomic<T>, zero at first. Element access is thread-safe; Resize is for one
// thread at a time, and readers meanwhile find zeros or elements of either size.
template <typename T>
class ReservedArray {
 public:
  explicit ReservedArray(std::size_t most) : bytes_(most * sizeof(std::atomic<T>)) {
    void* pages = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    elements_ = static_cast<std::atomic<T>*>(pages);
  }
  ~ReservedArray() { ::munmap(elements_, bytes_); }
  ReservedArray(const ReservedArray&) = delete;
  ReservedArray& operator=(const ReservedArray&) = delete;

  std::atomic<T>& operator[](std::size_t index) const { return elements_[index]; }
  T Load(std::size_t index) const { return elements_[index].load(std::memory_order_relaxed); }
  void Store(std::size_t index, T value) {
    elements_[index].store(value, std::memory_order_relaxed);
  }
  std::size_t most() const { return bytes_ / sizeof(std::atomic<T>); }

  // What stood in groups of `group` elements at some place of `before` groups stands at the same
  // relative place of `after` groups; most keys, which are hashed to a relative place, find what
  // is theirs.
  void Stretch(std::size_t before, std::size_t after, std::size_t group) {
    const auto move = [&](std::size_t to) {
      const std::size_t from = (2 * to + 1) * before / (2 * after);
      for (std::size_t i = 0; i < group; ++i) Store(to * group + i, Load(from * group + i));
    };
    if (after > before) {
      for (std::size_t to = after; to-- > 0;) move(to);
    } else {
      for (std::size_t to = 0; to < after; ++to) move(to);
      Forget(after * group, before * group);
    }
  }

 private:
  // Zeroes [begin, end) and gives its whole pages back.
  void Forget(std::size_t begin, std::size_t end) {
    constexpr std::size_t kPageElements = 4096 / sizeof(std::atomic<T>);
    const std::size_t pages = (begin + kPageElements - 1) / kPageElements * kPageElements;
    for (std::size_t i = begin; i < end && i < pages; ++i) Store(i, 0);
    if (pages < end) {
      ::madvise(elements_ + pages, (end - pages) * sizeof(std::atomic<T>), MADV_DONTNEED);
    }
  }

  std::atomic<T>* elements_;
  const std::size_t bytes_;
};

}  // namespace larder
