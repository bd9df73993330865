// Dialect: all that depends on the provider's way of speaking, in one place a dialect.
//
// A dialect knows its endpoints and the shape of its errors. An endpoint says what a request means
// to the cache, whether an answer may be stored, and turns an answer from one form (JSON, event
// stream) into the other. Neither does any I/O. Both live for ever and are thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event_stream.h"
#include "larder/client/store_rules.h"
#include "larder/result.h"

namespace larder::client {

class Endpoint;
struct EmbeddingsBatch;

inline constexpr std::string_view kTooComplex = "too-complex";

struct RequestPlan {
  // Set: not cacheable, and why: "unknown-endpoint", "not-i-json", "too-complex" (more values in it
  // than are looked at), "no-input" (of embeddings), or
  // "stateful", with all the rest, so that a policy may cache it all the same.
  std::string bypass;
  // With "not-i-json": what is wrong with the body and at which byte, never a part of it.
  std::string problem;
  const Endpoint* endpoint = nullptr;  // null only for an unknown endpoint
  // The canonical body that is hashed into the key (RFC 8785 without the fields in `ignored`).
  std::string canonical_body;
  std::vector<std::string> ignored;
  std::string model;
  bool stream = false;         // the caller wants an event stream
  bool wants_usage = false;    // ... with a usage chunk; JSON always wants usage
  bool can_ask_usage = false;  // a stream without one, which `stream_options` can ask for
  bool limited = false;        // the request itself set a limit of tokens, or its endpoint does
  // Set: the request is answered item by item (embeddings.h).
  std::shared_ptr<const EmbeddingsBatch> batch;
  std::uint64_t choices = 1;  // how many answers to the one prompt are asked for
};

struct Usage {
  std::uint64_t input_tokens = 0;         // all, cached ones included
  std::uint64_t cached_input_tokens = 0;  // of which read from the provider's prompt cache
  std::uint64_t cache_write_tokens = 0;   // ... and written to it
  std::uint64_t output_tokens = 0;
  // Of `cache_write_tokens`, those kept for an hour, which Anthropic charges more for. Not stored
  // with an answer: they are in its cost.
  std::uint64_t cache_write_1h_tokens = 0;
  friend bool operator==(const Usage&, const Usage&) = default;
  Usage& operator+=(const Usage& other) {
    input_tokens += other.input_tokens;
    cached_input_tokens += other.cached_input_tokens;
    cache_write_tokens += other.cache_write_tokens;
    output_tokens += other.output_tokens;
    cache_write_1h_tokens += other.cache_write_1h_tokens;
    return *this;
  }
};

struct Verdict {
  bool store = false;
  // Why not: "invalid" (not an answer), "too_complex" (more values than are looked at), "error",
  // "no_end" (of a stream), "empty", "content_filter", "refusal", "truncated" (by a limit that the
  // request did not set), "incomplete", "bad_arguments".
  std::string reason;
  std::optional<Usage> usage = {};
  std::string model = {};  // as the answer names it
  // Of a stream: its last event says that it is the last, so that a connection which just closes
  // after it has cut nothing off.
  bool has_end_mark = false;
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;

  // Stored with its answers: never changes. "openai.chat", "anthropic.messages", ...
  virtual std::string_view name() const = 0;

  // Its answers are bytes of whatever type, in one form (http_dialect.h).
  virtual bool is_plain_http() const { return false; }

  // What a request with this body means to the cache; sets `endpoint`.
  virtual RequestPlan Plan(std::string_view body) const = 0;

  // May a complete 2xx answer be stored?
  virtual Verdict JudgeJson(const RequestPlan& plan, const StoreRules& rules,
                            std::string_view body) const = 0;
  virtual Verdict JudgeStream(const RequestPlan& plan, const StoreRules& rules,
                              const std::vector<Event>& events) const = 0;

  // The events as they are stored and replayed: each `data` the same bytes but for padding
  // (`obfuscation`) left out; comments dropped.
  virtual std::vector<Event> Normalize(std::vector<Event> events) const;
  // Index of the event that only reports usage and is left out for callers who did not ask.
  virtual std::optional<std::size_t> UsageEvent(const std::vector<Event>& events) const;

  // Event stream -> the JSON answer that says the same. Errors: kDataLoss (not a whole answer).
  virtual Result<std::string> Assemble(const std::vector<Event>& events) const = 0;
  // JSON answer -> events, pieces of about 64 bytes; with the usage event, whose index UsageEvent
  // tells, if the answer has usage. Assemble(Split(json)) == json as JSON values.
  // Errors: kDataLoss (not an answer of this endpoint).
  virtual Result<std::vector<Event>> Split(std::string_view json) const = 0;
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  // `path` without query. The endpoint that it ends in, or nullptr: passes through.
  virtual const Endpoint* FindEndpoint(std::string_view method, std::string_view path) const = 0;
  // An error answer of our own in the dialect's shape.
  virtual std::string ErrorBody(int status, std::string_view message) const = 0;
  // The `event` field of an event that reports an error in a stream; empty: it has none.
  virtual std::string_view ErrorEventName() const { return ""; }

  // What this request means to the cache.
  RequestPlan Plan(std::string_view method, std::string_view path, std::string_view body) const;
};

// The dialect by its name in the configuration, or nullptr.
const Dialect* FindDialect(std::string_view name);
// The endpoint by the name that is stored with its answers, or nullptr.
const Endpoint* FindEndpoint(std::string_view name);

}  // namespace larder::client
