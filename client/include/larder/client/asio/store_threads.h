// StoreThreads: where stacks wait for the store, apart from where they compute. A disk that hangs
// may hold all of these threads; then nobody waits for them any more, and nobody computes there.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>

namespace larder::client {

// Thread-safe.
class StoreThreads {
 public:
  // `pool` must outlive this.
  explicit StoreThreads(boost::asio::thread_pool& pool) : pool_(pool) {}

  boost::asio::thread_pool& pool() const { return pool_; }
  // Somebody has waited in vain, and nothing that was begun before has come back since.
  bool are_stuck() const { return waited_in_vain_ && unfinished_ > 0; }
  // Of what was given to them.
  std::uint64_t unfinished() const { return unfinished_; }

  void NoteBegin() { ++unfinished_; }
  void NoteEnd() {
    --unfinished_;
    waited_in_vain_ = false;
  }
  void NoteTimeout() { waited_in_vain_ = unfinished_ > 0; }

 private:
  boost::asio::thread_pool& pool_;
  std::atomic<std::uint64_t> unfinished_{0};
  std::atomic<bool> waited_in_vain_{false};
};

}  // namespace larder::client
