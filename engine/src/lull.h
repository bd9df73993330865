// Lull: for how long next to nothing has been stored, so that the machine has time for other work.
#pragma once

#include <cstdint>

#include "larder/clock.h"

namespace larder {

// For one thread. Told now and then how many bytes were stored so far.
class Lull {
 public:
  // Between two looks no more than this is next to nothing.
  static constexpr std::uint64_t kLittle = std::uint64_t{1} << 20;
  // Without a single store for so long, no more is expected.
  static constexpr Duration kStill = std::chrono::seconds(30);

  explicit Lull(Duration now) : much_at_(now), any_at_(now) {}

  void Look(Duration now, std::uint64_t stored_bytes) {
    if (stored_bytes - seen_ > kLittle) much_at_ = now;
    if (stored_bytes != seen_) any_at_ = now;
    seen_ = stored_bytes;
    now_ = now;
  }
  Duration length() const { return now_ - much_at_; }
  // If that is what has been stored since.
  bool EndsWith(std::uint64_t stored_bytes) const { return stored_bytes - seen_ > kLittle; }

  // Whether to write out what is in memory, so that it is seen in tables: not for every value of a
  // trickle.
  bool ShouldFlush() const {
    return now_ - any_at_ >= kStill ? seen_ != flushed_ : seen_ - flushed_ > kLittle;
  }
  void Flushed() { flushed_ = seen_; }

 private:
  Duration now_{0};
  Duration much_at_;
  Duration any_at_;
  std::uint64_t seen_ = 0;
  std::uint64_t flushed_ = 0;
};

}  // namespace larder
