#include "http_session.h"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "error_answer.h"
#include "http_responder.h"

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

// What a waiting connection may keep of its input buffer.
constexpr std::size_t kIdleBufferBytes = 4096;

}  // namespace

HttpSession::HttpSession(asio::ip::tcp::socket socket, std::span<char> scratch,
                         const ServerLimits& limits, Handler& handler, const bool& draining)
    : connection_(std::move(socket), scratch),
      limits_(limits),
      handler_(handler),
      draining_(draining) {}

asio::awaitable<void> HttpSession::Run() {
  bool more = true;
  while (more) more = co_await ServeOne();
}

void HttpSession::CloseIfIdle() {
  if (idle_ && !connection_.HasBytes()) connection_.CutOff();
}

void HttpSession::HangUp() {
  gone_ = true;
  hang_up_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<bool> HttpSession::WaitForRequest() {
  std::string& input = connection_.input();
  if (!input.empty()) co_return true;  // pipelined
  if (draining_) co_return false;
  if (input.capacity() > kIdleBufferBytes) input = {};
  idle_ = true;
  connection_.SetDeadline(limits_.idle_timeout);
  const Filled filled = co_await connection_.Fill();
  connection_.ClearDeadline();
  idle_ = false;
  co_return filled == Filled::kBytes;
}

asio::awaitable<bool> HttpSession::ServeOne() {
  const bool there = co_await WaitForRequest();
  if (!there) {
    connection_.Close();
    co_return false;
  }
  ReadOutcome outcome = co_await ReadRequest(connection_, limits_);
  if (const auto* refused = std::get_if<Refused>(&outcome)) {
    co_await Refuse(*refused);
    co_await connection_.Linger(limits_.linger_timeout);
    co_return false;
  }
  auto* received = std::get_if<Received>(&outcome);
  if (received == nullptr) {
    connection_.Close();
    co_return false;
  }
  const bool stays = co_await Answer(*received);
  co_return stays;
}

asio::awaitable<void> HttpSession::Refuse(const Refused& refused) {
  handler_.OnRefused(refused.why.status);
  const AnswerTerms terms{.http10 = refused.version == HttpVersion::k10,
                          .head_only = refused.request.method == "HEAD",
                          .keep_alive = false};
  HttpResponder responder(connection_, limits_, terms, draining_);
  AnswerHead head = ErrorHead(refused.why.status);
  std::vector<SharedBytes> body;
  body.emplace_back(handler_.ErrorBody(refused.why.status, refused.why.message, refused.request));
  co_await responder.Send(std::move(head), std::move(body));
}

asio::awaitable<bool> HttpSession::Answer(Received& received) {
  const AnswerTerms terms{.http10 = received.version == HttpVersion::k10,
                          .head_only = received.request.method == "HEAD",
                          .keep_alive = received.keep_alive};
  HttpResponder responder(connection_, limits_, terms, draining_);
  handling_ = true;
  try {
    co_await handler_.Handle(received.request, responder);
  } catch (const std::exception&) {
    // A cancelled handler, or out of memory: an answer that is not finished is dealt with below.
  }
  handling_ = false;
  if (gone_) {
    connection_.Reset();
    co_return false;
  }
  if (!responder.started()) {
    const ServerRequest nothing;
    std::vector<SharedBytes> body;
    body.emplace_back(handler_.ErrorBody(500, "the gateway failed", nothing));
    AnswerHead head = ErrorHead(500);
    co_await responder.Send(std::move(head), std::move(body));
  }
  if (!responder.finished()) {
    // Where the end of the connection is the end of the body, only a reset tells it is not whole.
    if (responder.ends_by_close())
      connection_.Reset();
    else
      connection_.Close();
    co_return false;
  }
  if (responder.keep_alive()) co_return true;
  if (received.keep_alive || !connection_.input().empty()) {
    // The caller may be sending its next request: closing now could destroy this answer.
    co_await connection_.Linger(limits_.linger_timeout);
  }
  connection_.Close();
  co_return false;
}

}  // namespace larder::gateway
