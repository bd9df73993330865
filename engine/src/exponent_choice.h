// ExponentChoice: finds out which exponents of the score suit what is asked of this cache.
//
// Popular keys, sessions that end, and loops each want other ones. So five miniature caches see
// a sample of the accesses, and the pair that saved most lately is used by the whole cache.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

#include "miniature_cache.h"

namespace larder {

// What a cache holds and may hold.
struct LiveSize {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t capacity_bytes = 0;
};

// Thread-safe. About 170 KB, whatever the cache's size.
class ExponentChoice {
 public:
  static constexpr std::size_t kCandidates = 5;
  static constexpr std::array<Exponents, kCandidates> kExponents{
      {{1, 0.4f}, {1, 0.1f}, {1, 0.8f}, {0.5f, 0.8f}, {0.5f, 1.5f}}};

  ExponentChoice();

  void SetSize(const LiveSize& size);
  // Hot path: a comparison, unless `hash` is in the sample (512 entries of a full cache are).
  void Note(const SampledAccess& access) {
    if (Mix(access.hash, kPurpose) >> 32 <= most_sampled_.load(std::memory_order_relaxed)) {
      Sample(access);
    }
  }
  // Index into kExponents.
  std::size_t best() const { return best_.load(std::memory_order_relaxed); }
  void SetBest(std::size_t candidate) { best_.store(candidate, std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kPurpose = 4;

  void Sample(const SampledAccess& access);
  void Choose();

  std::atomic<std::uint64_t> most_sampled_{UINT32_MAX};
  std::atomic<std::size_t> best_{0};

  std::mutex mutex_;  // guards all below
  std::deque<MiniatureCache> caches_;
  std::array<double, kCandidates> saved_{};
  std::uint32_t sampled_ = 0;
};

}  // namespace larder
