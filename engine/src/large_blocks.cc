#include "large_blocks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) static_cast<void>(0)
#endif

namespace larder {

// In front of each block.
struct alignas(64) LargeBlocks::Header {
  std::size_t capacity;  // mapped, this one included

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  static Header* Of(char* block) { return reinterpret_cast<Header*>(block) - 1; }
  static const Header* Of(const char* block) { return reinterpret_cast<const Header*>(block) - 1; }
  void Unmap() {
    // The sanitizer would take what is mapped there next for poisoned, too.
    ASAN_UNPOISON_MEMORY_REGION(bytes(), capacity - sizeof(Header));
    ::munmap(this, capacity);
  }
};

namespace {

// So many kept ones are looked at under the lock.
constexpr std::ptrdiff_t kMostKept = 64;

std::size_t WholePages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

void* Map(std::size_t bytes) {
  return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1,
                /*offset=*/0);
}

// All at once: in a virtual machine most of what a fault costs is the trap. If the system does not
// know this, they come one by one.
void Populate(void* from, std::size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  static_cast<void>(::madvise(from, bytes, MADV_POPULATE_WRITE));
#endif
}

}  // namespace

LargeBlocks& LargeBlocks::Shared() {
  static auto* const shared = new LargeBlocks;
  return *shared;
}

LargeBlocks::~LargeBlocks() { DropOver(0); }

char* LargeBlocks::Take(std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  const std::size_t capacity = WholePages(bytes + sizeof(Header));
  Header* block = TakeKept(capacity);
  if (block == nullptr) {
    void* mapped = Map(capacity);
    if (mapped == MAP_FAILED) {
      DropAll();
      mapped = Map(capacity);
    }
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    Populate(mapped, capacity);
    block = static_cast<Header*>(mapped);
    block->capacity = capacity;
  }
  ASAN_UNPOISON_MEMORY_REGION(block->bytes(), bytes);
  return block->bytes();
}

// Null: there is none.
LargeBlocks::Header* LargeBlocks::TakeKept(std::size_t capacity) {
  Header* block = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (kept_.empty()) return nullptr;
    // The smallest that is large enough, else the largest. One of another order of magnitude stays
    // for those that need it.
    const auto rank = [capacity](const Kept& kept) {
      const std::size_t has = kept.block->capacity;
      if (has >= capacity) return has - capacity <= capacity / 2 ? has : SIZE_MAX;
      return has >= capacity / 2 ? SIZE_MAX - has : SIZE_MAX;
    };
    const auto best =
        std::min_element(kept_.begin(), kept_.end(),
                         [&rank](const Kept& a, const Kept& b) { return rank(a) < rank(b); });
    if (rank(*best) == SIZE_MAX) return nullptr;
    block = best->block;
    kept_bytes_ -= block->capacity;
    kept_.erase(best);
  }
  if (block->capacity >= capacity) return block;
  ASAN_UNPOISON_MEMORY_REGION(block->bytes(), block->capacity - sizeof(Header));
#ifdef __SANITIZE_THREAD__  // it takes an address that was moved away from for the one before
  block->Unmap();
  return nullptr;
#endif
  const std::size_t had = block->capacity;
  void* moved = ::mremap(block, had, capacity, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) {
    block->Unmap();
    return nullptr;
  }
  Populate(static_cast<char*>(moved) + had, capacity - had);
  block = static_cast<Header*>(moved);
  block->capacity = capacity;
  return block;
}

void LargeBlocks::GiveBack(char* bytes) noexcept {
  Header* const block = Header::Of(bytes);
  ASAN_POISON_MEMORY_REGION(block->bytes(), block->capacity - sizeof(Header));
  std::unique_lock lock(mutex_);
  if (block->capacity > most_) {
    lock.unlock();
    block->Unmap();
    return;
  }
  DropOver(most_ - block->capacity);
  kept_.push_back({block, trims_});
  kept_bytes_ += block->capacity;
}

std::size_t LargeBlocks::CapacityOf(const char* block) {
  return Header::Of(block)->capacity - sizeof(Header);
}

void LargeBlocks::DropOver(std::size_t most) {
  auto end = kept_.begin();
  for (; end != kept_.end() && (kept_bytes_ > most || kept_.end() - end >= kMostKept); ++end) {
    kept_bytes_ -= end->block->capacity;
    end->block->Unmap();
  }
  kept_.erase(kept_.begin(), end);
}

void LargeBlocks::KeepMore(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  kept_.reserve(kMostKept + 1);  // GiveBack must not fail
  most_ += bytes;
}

void LargeBlocks::KeepLess(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  most_ -= std::min(bytes, most_);
  DropOver(most_);
}

void LargeBlocks::DropAll() {
  const std::lock_guard lock(mutex_);
  DropOver(0);
}

void LargeBlocks::Trim(Time now) {
  constexpr auto kPeriod = std::chrono::milliseconds(500);
  const std::lock_guard lock(mutex_);
  if (now - trimmed_at_ < kPeriod) return;  // another cache's
  trimmed_at_ = now;
  std::size_t young = 0;
  for (const Kept& kept : kept_) {
    if (kept.since + 1 >= trims_) young += kept.block->capacity;
  }
  DropOver(young);
  ++trims_;
}

std::size_t LargeBlocks::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

}  // namespace larder
