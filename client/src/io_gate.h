// IoGate: the way from other threads into an io_context that may be gone by then.
//
// Flights and pool jobs outlive the io_context of those who wait for them (another thread's, or a
// stopped one). They hold the gate, which closes when the io_context is destroyed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <mutex>
#include <utility>

namespace larder::client {

class IoGate {
 public:
  // The gate of `io`, made at first use. From its thread, or before that runs.
  static std::shared_ptr<IoGate> Of(boost::asio::io_context& io);

  explicit IoGate(boost::asio::io_context& io) : io_(&io) {}

  // Runs `function` on the io_context, or drops it once that is gone. Any thread.
  template <typename Function>
  void Post(Function&& function) {
    // Held while posting: the io_context cannot go meanwhile.
    const std::lock_guard lock(mutex_);
    if (io_ != nullptr) boost::asio::post(*io_, std::forward<Function>(function));
  }

  void Close() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;  // guarded by mutex_
};

}  // namespace larder::client
