#include "allocations.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local long allocations_left = -1;  // negative: they do not fail
// Of this thread; what it frees of others' makes it negative.
thread_local bool counted = false;
thread_local long taken_bytes = 0;
thread_local long most_taken_bytes = 0;

void* Allocate(std::size_t size, std::size_t alignment) noexcept {
  if (allocations_left == 0) return nullptr;
  if (allocations_left > 0) --allocations_left;
  void* const memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (counted && memory != nullptr) {
    taken_bytes += static_cast<long>(::malloc_usable_size(memory));
    most_taken_bytes = std::max(most_taken_bytes, taken_bytes);
  }
  return memory;
}

void* AllocateOrThrow(std::size_t size, std::size_t alignment) {
  void* memory = Allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void Free(void* memory) noexcept {
  if (counted && memory != nullptr) {
    taken_bytes -= static_cast<long>(::malloc_usable_size(memory));
  }
  std::free(memory);
}

}  // namespace

// Of the whole program; they fail, and are counted, where a test says so.
void* operator new(std::size_t size) { return AllocateOrThrow(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return AllocateOrThrow(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return Allocate(size, 1);
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { Free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  Free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { Free(memory); }

namespace larder::testing {

Famine::Famine(long after) { allocations_left = after; }
Famine::~Famine() { allocations_left = -1; }
bool Famine::came() const { return allocations_left == 0; }

MemoryPeak::MemoryPeak() {
  taken_bytes = 0;
  most_taken_bytes = 0;
  counted = true;
}
MemoryPeak::~MemoryPeak() { counted = false; }
std::size_t MemoryPeak::bytes() const { return static_cast<std::size_t>(most_taken_bytes); }

}  // namespace larder::testing
