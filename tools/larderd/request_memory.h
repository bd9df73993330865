// RequestMemory: what the bodies of all requests together may take of memory, so that many large
// ones at once do not take all there is.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace larder::gateway {

// Thread-safe.
class RequestMemory {
 public:
  // gateway.max_request_memory_bytes.
  explicit RequestMemory(std::uint64_t most_bytes) : most_(most_bytes) {}

  std::uint64_t most_bytes() const { return most_; }
  std::uint64_t taken_bytes() const { return taken_; }
  bool HasRoomFor(std::uint64_t bytes) const { return bytes <= most_ && taken_ <= most_ - bytes; }

  // What one request has of it, until it goes. Its owner uses it on one thread at a time.
  class Share {
   public:
    explicit Share(std::shared_ptr<RequestMemory> memory) : memory_(std::move(memory)) {}
    ~Share() { memory_->taken_ -= bytes_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // False: there is no room, and it keeps what it had.
    bool GrowTo(std::uint64_t bytes);

   private:
    const std::shared_ptr<RequestMemory> memory_;
    std::uint64_t bytes_ = 0;
  };

 private:
  const std::uint64_t most_;
  std::atomic<std::uint64_t> taken_ = 0;
};

}  // namespace larder::gateway
