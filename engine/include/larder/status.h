// Status: the outcome of an operation that can fail, spelled as a subset of absl::Status.
//
// A code exists only where callers act differently on it. A cache miss is not an error: it is
// an empty optional. Messages are lower case, name the value and the limit, and never hold a
// prompt, a body or a credential.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace larder {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,    // the caller's mistake; trying again will not help
  kNotFound,           // nothing there
  kResourceExhausted,  // over a limit of ours, or no room; later may work
  kDeadlineExceeded,   // took longer than the caller allows
  kCancelled,          // given up, not failed: whoever still wants it may start again
  kDataLoss,           // corrupt bytes
  kUnavailable,        // the store or the peer cannot serve now; later may work
  kInternal,           // our own mistake, or an exception of a callback
};

// "invalid argument", "not found", ...
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}
  static Status Ok() { return {}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same code with `context: ` before the message. Ok stays ok.
  Status WithContext(std::string_view context) const;
  // "unavailable: open store: lock held by another process", or "ok".
  std::string ToString() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

}  // namespace larder
