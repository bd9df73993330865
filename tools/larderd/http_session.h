// HttpSession: one connection, request after request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <span>

#include "connection.h"
#include "exchange.h"
#include "request_reader.h"
#include "server_limits.h"

namespace larder::gateway {

// Used on one io thread. A request is read whole before it is handled; the next one only when the
// one before is answered, so that answers keep their order.
class HttpSession {
 public:
  // All must outlive the session. `draining`: no further request is taken.
  HttpSession(boost::asio::ip::tcp::socket socket, std::span<char> scratch,
              const ServerLimits& limits, Handler& handler, const bool& draining);

  // Until the connection is closed. Spawned with the slot of hang_up().
  boost::asio::awaitable<void> Run();

  void Tick(Connection::Instant now) { connection_.Tick(now); }
  // The server drains: closes the connection if it waits for a request and none is coming.
  void CloseIfIdle();

  // Whether a handler works for the caller, who may hang up meanwhile.
  bool handling() const { return handling_; }
  int descriptor() { return connection_.descriptor(); }
  // Whether the caller has sent more than the request that is worked on.
  bool HasInput() { return !connection_.input().empty() || connection_.HasBytes(); }
  // The caller is gone, or has to go: ends what is done for him, and the connection.
  void HangUp();
  boost::asio::cancellation_signal& hang_up() { return hang_up_; }

 private:
  // Each says whether the connection can take another request.
  boost::asio::awaitable<bool> ServeOne();
  boost::asio::awaitable<bool> Answer(Received& received);
  boost::asio::awaitable<void> Refuse(const Refused& refused);
  boost::asio::awaitable<bool> WaitForRequest();

  Connection connection_;
  const ServerLimits& limits_;
  Handler& handler_;
  const bool& draining_;
  boost::asio::cancellation_signal hang_up_;
  bool idle_ = false;
  bool handling_ = false;
  bool gone_ = false;
};

}  // namespace larder::gateway
