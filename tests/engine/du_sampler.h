// DuSampler: the most that a directory, and this process, take while something goes on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "directory_size.h"

namespace larder::testing {

inline std::uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * 4096;
}

// Looks at the directory, and at the memory of this process, all the time.
class DuSampler {
 public:
  explicit DuSampler(std::string directory)
      : resident_before_(ResidentBytes()), thread_([this, path = std::move(directory)] {
          while (!stop_) {
            const std::uint64_t bytes = DirectorySize(path);
            if (bytes > most_) most_ = bytes;
            const std::uint64_t resident = ResidentBytes();
            if (resident > most_resident_) most_resident_ = resident;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
          }
        }) {}
  ~DuSampler() { Stop(); }
  std::uint64_t Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return most_;
  }
  // More than there was at the beginning.
  std::uint64_t most_resident() const { return most_resident_ - resident_before_; }

 private:
  const std::uint64_t resident_before_;
  std::atomic<std::uint64_t> most_resident_{0};
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> most_{0};
  std::thread thread_;
};

}  // namespace larder::testing
