#include "request_reader.h"

#include <chrono>
#include <cstdint>
#include <memory>
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
        if (!HasRoom() || !MakeRoom(ReceivedBytes())) co_return Refuse(NoRoom());
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
      if (!MakeRoom(ReceivedBytes())) co_return Refuse(NoRoom());
      MoveDeadline();
    }
    if (state == State::kRefused) co_return Refuse(parser_.refusal());
    if (!MakeRoom(parser_.request().body.size())) co_return Refuse(NoRoom());
    parser_.request().room = std::move(room_);
    connection_.ClearDeadline();
    co_return Received{std::move(parser_.request()), parser_.version(), parser_.keep_alive()};
  }

 private:
  ReadOutcome Refuse(Refusal why) {
    connection_.ClearDeadline();
    return Refused{std::move(why), std::move(parser_.request()), parser_.version()};
  }

  Refusal NoRoom() const {
    return {503,
            "too many large requests at once: their bodies would take over "
            "gateway.max_request_memory_bytes " +
                std::to_string(limits_.request_memory->most_bytes())};
  }

  // Whether what the head announces would find room now. It is not kept for it: who announces much
  // and sends little must not keep others out.
  bool HasRoom() {
    const std::string* const length = parser_.request().headers.Find("content-length");
    if (limits_.request_memory == nullptr || length == nullptr) return true;
    return limits_.request_memory->HasRoomFor(std::stoull(*length));
  }

  // Of the body.
  std::uint64_t ReceivedBytes() { return parser_.body_bytes() + connection_.input().size(); }

  bool MakeRoom(std::uint64_t bytes) {
    if (limits_.request_memory == nullptr || bytes == 0) return true;
    if (room_ == nullptr) room_ = std::make_shared<RequestMemory::Share>(limits_.request_memory);
    return room_->GrowTo(bytes);
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
    const std::uint64_t received = ReceivedBytes();
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
  std::shared_ptr<RequestMemory::Share> room_;  // null: no body has come yet
  std::optional<std::chrono::steady_clock::time_point> body_begin_;
};

}  // namespace

asio::awaitable<ReadOutcome> ReadRequest(Connection& connection, const ServerLimits& limits) {
  RequestReader reader(connection, limits);
  co_return co_await reader.Read();
}

}  // namespace larder::gateway
