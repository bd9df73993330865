// LatencyHistogram: how long things took, counted in buckets.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace larder::client {

// Upper bounds of the buckets, each included: from a hit in memory to the longest of answers.
inline constexpr std::array<std::chrono::microseconds, 18> kLatencyBounds = {
    std::chrono::microseconds(50),
    std::chrono::microseconds(100),
    std::chrono::microseconds(250),
    std::chrono::microseconds(500),
    std::chrono::microseconds(1'000),
    std::chrono::microseconds(2'500),
    std::chrono::microseconds(5'000),
    std::chrono::microseconds(10'000),
    std::chrono::microseconds(25'000),
    std::chrono::microseconds(100'000),
    std::chrono::microseconds(250'000),
    std::chrono::microseconds(500'000),
    std::chrono::seconds(1),
    std::chrono::microseconds(2'500'000),
    std::chrono::seconds(5),
    std::chrono::seconds(10),
    std::chrono::seconds(30),
    std::chrono::seconds(120),
};

struct LatencyCounts {
  // One for each bound, and one for what was longer than the last.
  std::array<std::uint64_t, kLatencyBounds.size() + 1> buckets = {};
  std::chrono::nanoseconds sum{0};
};

// Thread-safe.
class LatencyHistogram {
 public:
  void Add(std::chrono::nanoseconds took) {
    const auto bound = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), took);
    const auto bucket = static_cast<std::size_t>(bound - kLatencyBounds.begin());
    buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(took.count(), std::memory_order_relaxed);
  }

  LatencyCounts Read() const {
    LatencyCounts counts;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      counts.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    }
    counts.sum = std::chrono::nanoseconds(sum_ns_.load(std::memory_order_relaxed));
    return counts;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> buckets_ = {};
  std::atomic<std::int64_t> sum_ns_ = 0;
};

}  // namespace larder::client
