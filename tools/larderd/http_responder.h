// HttpResponder: an answer -> bytes on a connection.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "answer_head.h"
#include "connection.h"
#include "exchange.h"
#include "server_limits.h"

namespace larder::gateway {

// What of the request decides how its answer is framed.
struct AnswerTerms {
  bool http10 = false;
  bool head_only = false;  // a HEAD request
  bool keep_alive = false;
};

class HttpResponder final : public Responder {
 public:
  // `draining` is asked when the head goes out; then the connection does not stay.
  HttpResponder(Connection& connection, const ServerLimits& limits, AnswerTerms terms,
                const bool& draining);

  boost::asio::awaitable<bool> Send(AnswerHead head, std::vector<SharedBytes> body) override;
  boost::asio::awaitable<bool> Start(AnswerHead head) override;
  boost::asio::awaitable<bool> Write(SharedBytes piece) override;
  boost::asio::awaitable<bool> Finish() override;
  bool started() const override { return state_ != State::kBefore; }

  bool finished() const { return state_ == State::kFinished; }
  // Whether the connection can take another request; only when finished().
  bool keep_alive() const { return terms_.keep_alive; }
  // Whether the caller takes the end of the connection for the end of the body.
  bool ends_by_close() const { return ends_by_close_; }

 private:
  enum class State { kBefore, kBody, kFinished, kBroken };

  // Decides the framing and returns the head's bytes.
  std::string Begin(const AnswerHead& head, std::optional<std::uint64_t> length);
  boost::asio::awaitable<bool> WriteAll(std::span<boost::asio::const_buffer> buffers);

  Connection& connection_;
  const ServerLimits& limits_;
  AnswerTerms terms_;
  const bool& draining_;
  State state_ = State::kBefore;
  bool has_body_ = true;
  bool chunked_ = false;
  bool ends_by_close_ = false;
  std::optional<std::uint64_t> left_;  // of the length announced
};

}  // namespace larder::gateway
