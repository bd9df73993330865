#include "request_reader.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <string>
#include <utility>

namespace larder::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;
using boost::system::error_code;

Refusal FromParser(const error_code& error, const ServerLimits& limits) {
  if (error == http::error::header_limit) {
    return {431, "request head over " + std::to_string(limits.max_head_bytes) + " bytes"};
  }
  if (error == http::error::body_limit) {
    return {413,
            "request body over gateway.max_body_bytes " + std::to_string(limits.max_body_bytes)};
  }
  if (error == http::error::bad_version) return {505, "not a request of HTTP/1.0 or HTTP/1.1"};
  return {400, "malformed request: " + error.message()};
}

class RequestReader {
 public:
  RequestReader(Connection& connection, const ServerLimits& limits)
      : connection_(connection), limits_(limits) {
    parser_.header_limit(static_cast<std::uint32_t>(limits.max_head_bytes));
    parser_.body_limit(limits.max_body_bytes);
  }

  asio::awaitable<ReadOutcome> Read() {
    connection_.SetDeadline(limits_.head_timeout);
    // Empty lines before a request are passed over (RFC 9112, section 2.2).
    std::string& input = connection_.input();
    input.erase(0, std::min(input.find_first_not_of("\r\n"), input.size()));
    std::optional<Refusal> refusal = co_await ReadUntil(&Parser::is_header_done);
    // The head may be complete and refused all the same, for the length it announces.
    if (parser_.is_header_done()) {
      // Trailers would be merged into the fields: they are taken now.
      std::optional<Refusal> bad_head = TakeHead();
      if (bad_head) refusal = std::move(bad_head);
      if (!refusal) refusal = co_await ReadBody();
    }
    connection_.ClearDeadline();
    if (vanished_) co_return Vanished{};
    if (refusal) co_return Refused{*std::move(refusal), std::move(request_), version_};
    request_.body = std::move(parser_.get().body());
    co_return Received{std::move(request_), version_, parser_.keep_alive()};
  }

 private:
  asio::awaitable<std::optional<Refusal>> ReadUntil(bool (Parser::*done)() const) {
    while (!(parser_.*done)()) {
      error_code error;
      std::string& input = connection_.input();
      const std::size_t used = parser_.put(asio::buffer(input), error);
      input.erase(0, used);
      const bool hungry = error == http::error::need_more;
      if (error && !hungry) co_return FromParser(error, limits_);
      if ((parser_.*done)() || (!hungry && !input.empty())) continue;
      // The parser takes nothing of a line that is not whole: an endless one ends here.
      if (input.size() >= limits_.max_head_bytes) {
        co_return Refusal{400, "chunk header or trailers over " +
                                   std::to_string(limits_.max_head_bytes) + " bytes"};
      }
      const Filled filled = co_await connection_.Fill();
      if (filled == Filled::kTimedOut) co_return Refusal{408, "request not complete in time"};
      vanished_ = filled == Filled::kClosed;
      if (vanished_) co_return Refusal{};
      Progress();
    }
    co_return std::nullopt;
  }

  asio::awaitable<std::optional<Refusal>> ReadBody() {
    // All chunks that are there in one call: a call for each would move the rest each time.
    parser_.eager(true);
    body_begin_ = std::chrono::steady_clock::now();
    Progress();
    if (!parser_.is_done() && connection_.input().empty() && request_.headers.Has("expect") &&
        version_ == HttpVersion::k11) {
      asio::const_buffer go_on = asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25);
      const std::span<asio::const_buffer> buffers(&go_on, 1);
      vanished_ = !co_await connection_.Write(buffers, limits_.write_timeout);
      if (vanished_) co_return Refusal{};
      Progress();
    }
    co_return co_await ReadUntil(&Parser::is_done);
  }

  // Moves the deadline of the body with what has come of it.
  void Progress() {
    if (!body_begin_) return;
    received_ = parser_.get().body().size() + connection_.input().size();
    const auto earned =
        std::chrono::milliseconds(received_ * 1000 / limits_.min_body_bytes_per_second);
    const auto spent = std::chrono::steady_clock::now() - *body_begin_;
    connection_.SetDeadline(limits_.body_timeout + earned -
                            std::chrono::duration_cast<Duration>(spent));
  }

  std::optional<Refusal> TakeHead() {
    const Parser::value_type& message = parser_.get();
    version_ = message.version() == 10 ? HttpVersion::k10 : HttpVersion::k11;
    request_.method = std::string(message.method_string());
    for (const auto& field : message) {
      request_.headers.Add(std::string(field.name_string()), std::string(field.value()));
    }
    std::optional<std::string> target = OriginForm(std::string(message.target()));
    request_.target = target ? *std::move(target) : "/";
    if (!target || request_.method == "CONNECT") {
      return Refusal{400, "request target is not a path"};
    }
    return CheckFraming(version_, request_.headers);
  }

  Connection& connection_;
  const ServerLimits& limits_;
  Parser parser_;
  ServerRequest request_;
  HttpVersion version_ = HttpVersion::k11;
  std::optional<std::chrono::steady_clock::time_point> body_begin_;
  std::uint64_t received_ = 0;
  bool vanished_ = false;
};

}  // namespace

asio::awaitable<ReadOutcome> ReadRequest(Connection& connection, const ServerLimits& limits) {
  RequestReader reader(connection, limits);
  co_return co_await reader.Read();
}

}  // namespace larder::gateway
