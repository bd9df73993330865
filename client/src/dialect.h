// Dialect: all that depends on the provider's way of speaking, in one place a dialect.
//
// A dialect says what a request means to the cache, whether an answer may be stored, and turns
// an answer from one form (JSON, event stream) into the other. It does no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event_stream.h"
#include "larder/result.h"

namespace larder::client {

struct RequestPlan {
  // Set: not cacheable, and why ("stateful", "not-i-json", "unknown-endpoint"); the rest is empty.
  std::string bypass;
  // With "not-i-json": what is wrong with the body and at which byte, never a part of it.
  std::string problem;
  // The canonical body that is hashed into the key (RFC 8785 without the fields in `ignored`).
  std::string canonical_body;
  std::vector<std::string> ignored;
  std::string model;
  bool stream = false;        // the caller wants an event stream
  bool wants_usage = false;   // ... with a usage chunk; JSON always wants usage
  bool limited = false;       // the request itself set a limit of tokens
  std::uint64_t choices = 1;  // how many answers to the one prompt are asked for
};

struct Usage {
  std::uint64_t input_tokens = 0;         // all, cached ones included
  std::uint64_t cached_input_tokens = 0;  // of which read from the provider's prompt cache
  std::uint64_t output_tokens = 0;
};

struct Verdict {
  bool store = false;
  // Why not: "invalid" (not an answer), "error", "no_end" (of a stream), "empty", "content_filter",
  // "refusal", "truncated" (by a limit that the request did not set), "bad_arguments".
  std::string reason;
  std::optional<Usage> usage = {};
  std::string model = {};  // as the answer names it
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  // `path` without query. What this request means to the cache.
  virtual RequestPlan Plan(std::string_view path, std::string_view body) const = 0;

  // May a complete 2xx answer be stored?
  virtual Verdict JudgeJson(const RequestPlan& plan, std::string_view body) const = 0;
  virtual Verdict JudgeStream(const RequestPlan& plan, const std::vector<Event>& events) const = 0;

  // The events as they are stored and replayed: each `data` the same bytes but for padding
  // (`obfuscation`) left out; comments dropped.
  virtual std::vector<Event> Normalize(std::vector<Event> events) const = 0;
  // Index of the event that only reports usage and is left out for callers who did not ask.
  virtual std::optional<std::size_t> UsageEvent(const std::vector<Event>& events) const = 0;

  // Event stream -> the JSON answer that says the same. Errors: kDataLoss (not a whole answer).
  virtual Result<std::string> Assemble(const std::vector<Event>& events) const = 0;
  // JSON answer -> events, pieces of about 64 bytes; with the usage event, whose index UsageEvent
  // tells, if the answer has usage. Assemble(Split(json)) == json as JSON values.
  virtual Result<std::vector<Event>> Split(std::string_view json) const = 0;

  // An error answer of our own in the dialect's shape.
  virtual std::string ErrorBody(int status, std::string_view message) const = 0;
};

// The dialect by its name in the configuration, or nullptr. Lives for ever.
const Dialect* FindDialect(std::string_view name);
// Whether `path` ends like a cacheable endpoint of this dialect is for Plan to say.

}  // namespace larder::client
