// Connection: a socket with deadlines, below any HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <span>
#include <string>

#include "server_limits.h"

namespace larder::gateway {

enum class Filled { kBytes, kClosed, kTimedOut };

// Used on one io thread. Deadlines are looked at by Tick, which the thread's worker calls, so
// that ten thousand connections cost one timer and not ten thousand.
class Connection {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // `scratch` is where reads land first, shared by all connections of the thread: an idle one
  // then holds no buffer. It must outlive the connection.
  Connection(boost::asio::ip::tcp::socket socket, std::span<char> scratch);

  // Bytes received and not yet consumed.
  std::string& input() { return input_; }

  // Waits for more input. kClosed: by the peer, in order or not.
  boost::asio::awaitable<Filled> Fill();

  // Writes everything; `timeout` is for each stretch without progress. False: it cannot.
  boost::asio::awaitable<bool> Write(std::span<boost::asio::const_buffer> buffers,
                                     Duration timeout);

  // Says goodbye: no more is sent, what still comes is dropped until the peer closes or the
  // deadline is reached. Then Close().
  boost::asio::awaitable<void> Linger(Duration timeout);
  void Close();
  // Closes so that the peer sees an error.
  void Reset();

  // When `timeout` has passed, the operation that then runs, or the next one, fails.
  void SetDeadline(Duration timeout);
  void ClearDeadline() { deadline_ = Instant::max(); }
  void Tick(Instant now);
  // As if the deadline had passed.
  void CutOff();

  // Whether bytes wait to be read; not so where the peer has closed.
  bool HasBytes();
  int descriptor() { return socket_.native_handle(); }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::span<char> scratch_;
  std::string input_;
  Instant deadline_ = Instant::max();
  bool cut_off_ = false;
};

}  // namespace larder::gateway
