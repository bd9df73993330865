// What a test does to, and learns of, the memory that its thread takes with operator new.
#pragma once

#include <cstddef>

namespace larder::testing {

// Allocations of this thread fail from the n-th on, until the end of the scope.
class Famine {
 public:
  explicit Famine(long after);
  ~Famine();
  Famine(const Famine&) = delete;
  Famine& operator=(const Famine&) = delete;
  bool came() const;
};

// The most that this thread took, in all, over what it had when the scope began.
class MemoryPeak {
 public:
  MemoryPeak();
  ~MemoryPeak();
  MemoryPeak(const MemoryPeak&) = delete;
  MemoryPeak& operator=(const MemoryPeak&) = delete;
  std::size_t bytes() const;
};

}  // namespace larder::testing
