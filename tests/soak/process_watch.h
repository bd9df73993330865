// ProcessWatch: how much a process takes, and whether that grows.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace larder::testing {

struct ProcessSample {
  std::uint64_t resident_kib = 0;
  std::uint64_t threads = 0;
  std::uint64_t sockets = 0;
  std::uint64_t files = 0;  // all other descriptors

  std::string Text() const;
};

// All zero if it is gone.
ProcessSample SampleProcess(pid_t pid);

// What grew over one life of a process by more than may be, with figures; empty if nothing.
// `samples`: at rest, in order of time. Compares the medians of the last quarter and of the second
// one, for in the first it warms up; fewer than eight tell nothing.
std::string GrowthIn(const std::vector<ProcessSample>& samples);

}  // namespace larder::testing
