#include "request_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace larder::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// What is left of a chunked body, wherever it is cut, has at least the bytes of its end. Beast 1.81
// asserts that it is not asked with fewer once it has seen the last chunk's size.
constexpr std::size_t kLeastOfChunks = std::string_view("0\r\n\r\n").size();

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

}  // namespace

struct RequestParser::Parser : http::request_parser<http::string_body> {};

RequestParser::RequestParser(const ServerLimits& limits)
    : limits_(limits), parser_(std::make_unique<Parser>()) {
  parser_->header_limit(static_cast<std::uint32_t>(limits.max_head_bytes));
  parser_->body_limit(limits.max_body_bytes);
}

RequestParser::~RequestParser() = default;

std::size_t RequestParser::body_bytes() const { return parser_->get().body().size(); }

bool RequestParser::keep_alive() const { return parser_->keep_alive(); }

RequestParser::State RequestParser::Refuse(Refusal why) {
  refusal_ = std::move(why);
  return State::kRefused;
}

RequestParser::State RequestParser::Take(std::string& input) {
  // Empty lines before a request are passed over (RFC 9112, section 2.2).
  if (!begun_) input.erase(0, std::min(input.find_first_not_of("\r\n"), input.size()));
  while (true) {
    if (has_head_ && parser_->chunked() && input.size() < kLeastOfChunks) return State::kBody;
    begun_ = begun_ || !input.empty();
    error_code error;
    const std::size_t used = parser_->put(asio::buffer(input), error);
    input.erase(0, used);
    const bool hungry = error == http::error::need_more;
    // The head may be complete and refused all the same, for the length it announces; what is
    // wrong with the head itself goes first.
    if (!has_head_ && parser_->is_header_done() && !TakeHead()) return State::kRefused;
    if (error && !hungry) return Refuse(FromParser(error, limits_));
    if (parser_->is_done()) break;
    if (!hungry && !input.empty()) continue;
    // The parser takes nothing of a line that is not whole: an endless one ends here.
    if (input.size() >= limits_.max_head_bytes) {
      return Refuse({400, "chunk header or trailers over " +
                              std::to_string(limits_.max_head_bytes) + " bytes"});
    }
    return has_head_ ? State::kBody : State::kHead;
  }
  request_.body = std::move(parser_->get().body());
  return State::kDone;
}

bool RequestParser::TakeHead() {
  has_head_ = true;
  // All chunks that are there in one call: a call for each would move the rest each time.
  parser_->eager(true);
  const auto& message = parser_->get();
  version_ = message.version() == 10 ? HttpVersion::k10 : HttpVersion::k11;
  request_.method = std::string(message.method_string());
  // Trailers would be merged into the fields: they are taken now.
  std::size_t fields = 0;
  for (const auto& field : message) {
    if (++fields > limits_.max_fields) {
      refusal_ = {431, "request head over " + std::to_string(limits_.max_fields) + " fields"};
      return false;
    }
    request_.headers.Add(std::string(field.name_string()), std::string(field.value()));
  }
  std::optional<std::string> target = OriginForm(std::string(message.target()));
  const bool is_path = target.has_value() && request_.method != "CONNECT";
  request_.target = target ? *std::move(target) : "/";
  if (!is_path) {
    refusal_ = {400, "request target is not a path"};
    return false;
  }
  if (request_.target.size() > limits_.max_target_bytes) {
    refusal_ = {414, "request target over " + std::to_string(limits_.max_target_bytes) + " bytes"};
    return false;
  }
  std::optional<Refusal> framing = CheckFraming(version_, request_.headers);
  if (framing) refusal_ = *std::move(framing);
  return !framing;
}

}  // namespace larder::gateway
