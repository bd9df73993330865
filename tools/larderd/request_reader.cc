#include "request_reader.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "request_parser.h"

namespace larder::gateway {
namespace {

namespace asio = boost::asio;
using State = RequestParser::State;

class RequestReader {
 public:
  RequestReader(Connection& connection, const ServerLimits& limits)
      : connection_(connection), limits_(limits), parser_(limits) {}

  asio::awaitable<ReadOutcome> Read() {
    connection_.SetDeadline(limits_.head_timeout);
    State state = parser_.Take(connection_.input());
    while (state == State::kHead || state == State::kBody) {
      if (state == State::kBody && !body_begin_) {
        const bool told = co_await BeginBody();
        if (!told) co_return Vanished{};
      }
      const Filled filled = co_await connection_.Fill();
      if (filled == Filled::kClosed) {
        connection_.ClearDeadline();
        co_return Vanished{};
      }
      if (filled == Filled::kTimedOut) co_return Refuse({408, "request not complete in time"});
      state = parser_.Take(connection_.input());
      MoveDeadline();
    }
    if (state == State::kRefused) co_return Refuse(parser_.refusal());
    connection_.ClearDeadline();
    co_return Received{std::move(parser_.request()), parser_.version(), parser_.keep_alive()};
  }

 private:
  ReadOutcome Refuse(Refusal why) {
    connection_.ClearDeadline();
    return Refused{std::move(why), std::move(parser_.request()), parser_.version()};
  }

  // False: the caller is gone.
  asio::awaitable<bool> BeginBody() {
    body_begin_ = std::chrono::steady_clock::now();
    const bool waits = parser_.body_bytes() == 0 && connection_.input().empty() &&
                       parser_.request().headers.Has("expect") &&
                       parser_.version() == HttpVersion::k11;
    if (waits) {
      asio::const_buffer go_on = asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25);
      const std::span<asio::const_buffer> buffers(&go_on, 1);
      const bool written = co_await connection_.Write(buffers, limits_.write_timeout);
      if (!written) co_return false;
    }
    MoveDeadline();
    co_return true;
  }

  // Moves the deadline of the body with what has come of it.
  void MoveDeadline() {
    if (!body_begin_) return;
    const std::uint64_t received = parser_.body_bytes() + connection_.input().size();
    const auto earned =
        std::chrono::milliseconds(received * 1000 / limits_.min_body_bytes_per_second);
    const auto spent = std::chrono::steady_clock::now() - *body_begin_;
    const auto ahead = earned - std::chrono::duration_cast<Duration>(spent);
    // Who was fast may not be silent for all the longer.
    connection_.SetDeadline(limits_.body_timeout + std::min(ahead, Duration(0)));
  }

  Connection& connection_;
  const ServerLimits& limits_;
  RequestParser parser_;
  std::optional<std::chrono::steady_clock::time_point> body_begin_;
};

}  // namespace

asio::awaitable<ReadOutcome> ReadRequest(Connection& connection, const ServerLimits& limits) {
  RequestReader reader(connection, limits);
  co_return co_await reader.Read();
}

}  // namespace larder::gateway
