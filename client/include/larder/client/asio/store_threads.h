// StoreThreads: where stacks wait for the store, apart from where they compute. A disk that hangs
// may hold all of these threads; then nobody waits for them any more, and nobody computes there.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace larder::client {

// Thread-safe.
class StoreThreads {
 public:
  using Clock = std::chrono::steady_clock;

  // `pool` must outlive this.
  explicit StoreThreads(boost::asio::thread_pool& pool,
                        std::function<Clock::time_point()> now = &Clock::now)
      : pool_(pool), now_(std::move(now)) {}

  boost::asio::thread_pool& pool() const { return pool_; }
  // Somebody has waited in vain while nothing at all came back, and nothing has since.
  bool are_stuck() const { return waited_in_vain_ && unfinished_ > 0; }
  // Of what was given to them.
  std::uint64_t unfinished() const { return unfinished_; }

  // Whether to give them more. While they are stuck, one attempt every so often, for what hangs may
  // be a single file; no more than a few, for those who make them wait.
  bool MayBegin() {
    if (!are_stuck()) return true;
    Clock::rep next = next_attempt_;
    const Clock::rep now = now_().time_since_epoch().count();
    return now >= next && unfinished_ < kMostAttempts &&
           next_attempt_.compare_exchange_strong(next, now + kBetweenAttempts.count());
  }

  // The number of what begins, for NoteTimeout.
  std::uint64_t NoteBegin() {
    ++unfinished_;
    return ended_;
  }
  void NoteEnd() {
    ++ended_;
    --unfinished_;
    waited_in_vain_ = false;
  }
  // One that takes long, such as a large batch, says nothing of the disk while others come back.
  void NoteTimeout(std::uint64_t begun) {
    if (ended_ != begun) return;
    next_attempt_ = now_().time_since_epoch().count() + kBetweenAttempts.count();
    waited_in_vain_ = true;
  }

 private:
  static constexpr Clock::duration kBetweenAttempts = std::chrono::milliseconds(200);
  static constexpr std::uint64_t kMostAttempts = 8;

  boost::asio::thread_pool& pool_;
  const std::function<Clock::time_point()> now_;
  std::atomic<std::uint64_t> unfinished_{0};
  std::atomic<std::uint64_t> ended_{0};
  std::atomic<bool> waited_in_vain_{false};
  std::atomic<Clock::rep> next_attempt_{0};
};

}  // namespace larder::client
