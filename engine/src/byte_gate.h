// ByteGate: how many bytes may be in the making at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace larder {

// Thread-safe. What is larger than the limit goes in alone.
class ByteGate {
 public:
  explicit ByteGate(std::uint64_t limit) : limit_(static_cast<std::int64_t>(limit)) {}
  void SetLimit(std::uint64_t limit) { limit_ = static_cast<std::int64_t>(limit); }
  std::uint64_t inside() const { return static_cast<std::uint64_t>(inside_.load()); }

  // Gives its bytes back when destroyed.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(other.gate_), bytes_(other.bytes_) {
      other.gate_ = nullptr;
    }
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->inside_ -= bytes_;
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend class ByteGate;
    Pass(ByteGate* gate, std::int64_t bytes) : gate_(gate), bytes_(bytes) {}
    ByteGate* gate_;
    const std::int64_t bytes_;
  };
  // False if there is no room now.
  Pass TryEnter(std::uint64_t bytes) {
    const auto more = static_cast<std::int64_t>(bytes);
    const std::int64_t before = inside_.fetch_add(more);
    if (before == 0 || before + more <= limit_) return {this, more};
    inside_ -= more;
    return {nullptr, 0};
  }
  // Waits so many milliseconds at most.
  Pass Enter(std::uint64_t bytes, int most_ms) {
    for (int waited = 0; waited < most_ms; ++waited) {
      if (Pass pass = TryEnter(bytes)) return pass;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return TryEnter(bytes);
  }

 private:
  std::atomic<std::int64_t> limit_;
  std::atomic<std::int64_t> inside_{0};
};

}  // namespace larder
