// FlightMemory: what the answers may take together that are on their way to callers and to the
// store. A flight keeps what has come for those who join late, and a caller may take its time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "larder/shared_bytes.h"

namespace larder::client {

// Thread-safe. Shared by all stacks of a process.
class FlightMemory : public std::enable_shared_from_this<FlightMemory> {
 public:
  static std::shared_ptr<FlightMemory> Make(std::uint64_t most_bytes = kUsual);
  static constexpr std::uint64_t kUsual = std::uint64_t{256} << 20;

  std::uint64_t taken_bytes() const { return taken_; }
  // Half of it is taken: what begins now had better pass by the cache, at its caller's pace, so
  // that what has begun finds room.
  bool IsTight() const { return taken_ >= most_ / 2; }
  // The same bytes, counted until nobody holds them any more; nullopt: there is no room.
  std::optional<SharedBytes> Keep(SharedBytes bytes);

 private:
  explicit FlightMemory(std::uint64_t most_bytes) : most_(most_bytes) {}

  const std::uint64_t most_;
  std::atomic<std::uint64_t> taken_{0};
};

}  // namespace larder::client
