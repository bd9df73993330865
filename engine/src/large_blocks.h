// Large blocks: memory for whole bodies, rows and RocksDB's blocks, which is used again.
//
// A block of several MiB from malloc is either mapped anew each time, and then each of its pages is
// a fault under a lock that all threads share (a value's write and read were three to ten times as
// slow), or it stays in one of malloc's arenas for good (allocator_slack.h). So what was given back
// last is kept here, up to a bound, and a block that does not fit is moved by the system to where
// it can grow: its pages come along (mremap). docs/benchmarks.md has the figures.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace larder {

// Thread-safe.
class LargeBlocks {
 public:
  // Smaller ones are malloc's.
  static constexpr std::size_t kLarge = std::size_t{256} << 10;

  LargeBlocks() = default;
  ~LargeBlocks();
  LargeBlocks(const LargeBlocks&) = delete;
  LargeBlocks& operator=(const LargeBlocks&) = delete;

  // The one that all of the process uses; never destroyed, as entries outlive their cache.
  static LargeBlocks& Shared();

  // Aligned to 64 bytes; not zeroed. Throws std::bad_alloc.
  char* Take(std::size_t bytes);
  void GiveBack(char* block) noexcept;
  // What can be written to `block`, which was taken: what it was taken for, or up to half as much
  // more.
  static std::size_t CapacityOf(const char* block);

  // Of what nobody uses, so much may be kept; what is over goes back to the system.
  void KeepMore(std::size_t bytes);
  void KeepLess(std::size_t bytes);
  // Frees what has been kept unused since the call before the last one. Of calls within half a
  // second only the first counts: each cache makes one a second.
  using Time = std::chrono::steady_clock::time_point;
  void Trim(Time now = std::chrono::steady_clock::now());
  std::size_t kept_bytes() const;

 private:
  struct Header;
  struct Kept {
    Header* block;
    std::uint64_t since;
  };

  Header* TakeKept(std::size_t capacity);
  void DropOver(std::size_t most);  // the caller holds mutex_
  void DropAll();

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Kept> kept_;  // the longest kept first
  std::size_t kept_bytes_ = 0;
  std::size_t most_ = 0;
  std::uint64_t trims_ = 0;
  Time trimmed_at_{};
};

// What one cache lets the shared blocks keep. One thread at a time.
class KeptBlocks {
 public:
  KeptBlocks() = default;
  ~KeptBlocks() { LargeBlocks::Shared().KeepLess(bytes_); }
  KeptBlocks(const KeptBlocks&) = delete;
  KeptBlocks& operator=(const KeptBlocks&) = delete;

  void Set(std::size_t bytes) {
    LargeBlocks::Shared().KeepMore(bytes);
    LargeBlocks::Shared().KeepLess(std::exchange(bytes_, bytes));
  }

 private:
  std::size_t bytes_ = 0;
};

// As operator new, from the shared blocks if it is large. `bytes` must be the same for both.
inline char* TakeBytes(std::size_t bytes) {
  if (bytes >= LargeBlocks::kLarge) return LargeBlocks::Shared().Take(bytes);
  return static_cast<char*>(::operator new(bytes));
}
inline void GiveBackBytes(char* block, std::size_t bytes) noexcept {
  if (bytes >= LargeBlocks::kLarge) return LargeBlocks::Shared().GiveBack(block);
  ::operator delete(block);
}

inline std::size_t CapacityOfBytes(const char* block, std::size_t bytes) {
  return bytes >= LargeBlocks::kLarge ? LargeBlocks::CapacityOf(block) : bytes;
}

struct BytesDeleter {
  std::size_t bytes = 0;
  void operator()(char* block) const noexcept { GiveBackBytes(block, bytes); }
};
using OwnedBytes = std::unique_ptr<char[], BytesDeleter>;
inline OwnedBytes MakeBytes(std::size_t bytes) { return {TakeBytes(bytes), BytesDeleter{bytes}}; }

// For std containers of chars.
template <typename Char>
struct BytesAllocator {
  static_assert(sizeof(Char) == 1);
  using value_type = Char;
  BytesAllocator() = default;
  template <typename Other>
  explicit BytesAllocator(const BytesAllocator<Other>&) {}
  Char* allocate(std::size_t bytes) { return TakeBytes(bytes); }
  void deallocate(Char* block, std::size_t bytes) noexcept { GiveBackBytes(block, bytes); }
  friend bool operator==(const BytesAllocator&, const BytesAllocator&) { return true; }
};
using RowBytes = std::basic_string<char, std::char_traits<char>, BytesAllocator<char>>;

}  // namespace larder
