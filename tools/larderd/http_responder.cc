#include "http_responder.h"

#include <array>
#include <charconv>
#include <ctime>
#include <utility>

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

// Statuses whose answers never have a body (RFC 9110, section 6.4.1).
bool Bodiless(int status) { return status < 200 || status == 204 || status == 304; }

asio::const_buffer AsBuffer(std::string_view bytes) {
  return asio::const_buffer(bytes.data(), bytes.size());
}

}  // namespace

HttpResponder::HttpResponder(Connection& connection, const ServerLimits& limits, AnswerTerms terms,
                             const bool& draining)
    : connection_(connection), limits_(limits), terms_(terms), draining_(draining) {}

std::string HttpResponder::Begin(const AnswerHead& head, std::optional<std::uint64_t> length) {
  HeadFraming framing;
  framing.http10 = terms_.http10;
  has_body_ = !terms_.head_only && !Bodiless(head.status);
  // A HEAD or a 304 tells the length that the body would have; a 204 must not.
  if (has_body_ || head.status == 304 || (terms_.head_only && !Bodiless(head.status))) {
    framing.content_length = length;
  }
  if (has_body_) {
    left_ = length;
    chunked_ = !length && !terms_.http10;
    ends_by_close_ = !length && terms_.http10;
  }
  framing.chunked = chunked_;
  terms_.keep_alive = terms_.keep_alive && !ends_by_close_ && !draining_;
  framing.keep_alive = terms_.keep_alive;
  state_ = State::kBody;
  return WriteHead(head, framing, std::time(nullptr));
}

asio::awaitable<bool> HttpResponder::WriteAll(std::span<asio::const_buffer> buffers) {
  const bool written = co_await connection_.Write(buffers, limits_.write_timeout);
  if (!written) state_ = State::kBroken;
  co_return written;
}

asio::awaitable<bool> HttpResponder::Send(AnswerHead head, std::vector<SharedBytes> body) {
  std::uint64_t length = 0;
  for (const SharedBytes& piece : body) length += piece.size();
  std::optional<std::uint64_t> announced = length;
  // Without a body there is nothing to measure: what the head says stands.
  if (terms_.head_only || head.status == 304) announced = ContentLength(head.headers);
  const std::string bytes = Begin(head, announced);
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(body.size() + 1);
  buffers.push_back(AsBuffer(bytes));
  if (has_body_) {
    for (const SharedBytes& piece : body) buffers.push_back(AsBuffer(piece.view()));
  }
  const std::span<asio::const_buffer> all(buffers);
  const bool written = co_await WriteAll(all);
  if (written) state_ = State::kFinished;
  co_return written;
}

asio::awaitable<bool> HttpResponder::Start(AnswerHead head) {
  const std::string bytes = Begin(head, ContentLength(head.headers));
  asio::const_buffer buffer = AsBuffer(bytes);
  const std::span<asio::const_buffer> all(&buffer, 1);
  const bool written = co_await WriteAll(all);
  co_return written;
}

asio::awaitable<bool> HttpResponder::Write(SharedBytes piece) {
  if (state_ != State::kBody) co_return false;
  if (!has_body_ || piece.empty()) co_return true;
  if (left_) {
    if (piece.size() > *left_) {
      state_ = State::kBroken;
      co_return false;
    }
    *left_ -= piece.size();
  }
  std::array<char, 20> size{};
  std::array<asio::const_buffer, 3> buffers{};
  std::span<asio::const_buffer> all(buffers.data(), 1);
  if (chunked_) {
    const auto end = std::to_chars(size.data(), size.data() + size.size() - 2, piece.size(), 16);
    end.ptr[0] = '\r';
    end.ptr[1] = '\n';
    buffers[0] = asio::buffer(size.data(), static_cast<std::size_t>(end.ptr + 2 - size.data()));
    buffers[1] = AsBuffer(piece.view());
    buffers[2] = AsBuffer("\r\n");
    all = buffers;
  } else {
    buffers[0] = AsBuffer(piece.view());
  }
  const bool written = co_await WriteAll(all);
  co_return written;
}

asio::awaitable<bool> HttpResponder::Finish() {
  if (state_ != State::kBody || left_.value_or(0) != 0) {
    state_ = State::kBroken;
    co_return false;
  }
  if (chunked_) {
    asio::const_buffer buffer = AsBuffer("0\r\n\r\n");
    const std::span<asio::const_buffer> all(&buffer, 1);
    const bool written = co_await WriteAll(all);
    if (!written) co_return false;
  }
  state_ = State::kFinished;
  co_return true;
}

}  // namespace larder::gateway
