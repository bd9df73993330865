// RequestMetrics: what larderd counts of the requests it answers.
//
// Every label is one of a few names that stand here: nothing that a caller sends becomes one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "larder/client/cache_status.h"
#include "larder/client/latency_histogram.h"

namespace larder::gateway {

enum class EndpointLabel : std::uint8_t {
  kChatCompletions,
  kCompletions,
  kResponses,
  kEmbeddings,
  kMessages,
  kOther,  // passes through
  kOwn,    // /healthz and the like
};
inline constexpr std::array<std::string_view, 7> kEndpointLabels = {
    "chat_completions", "completions", "responses", "embeddings", "messages", "other", "own"};

// The words of Cache-Status, told apart where they mean different things to who pays.
enum class CacheLabel : std::uint8_t {
  kHit,
  kStaleHit,    // within stale_while_revalidate, or as max-stale allows
  kStaleError,  // in place of an upstream's error
  kMiss,
  kCollapsed,  // joined a running flight
  kExpired,    // there, but expired, and fetched again
  kRequest,    // the request asked for a new answer
  kPartial,    // embeddings of which some were there
  kBypass,
  kNone,  // answered by the gateway itself, errors included
};
inline constexpr std::array<std::string_view, 10> kCacheLabels = {
    "hit",     "stale_hit", "stale_if_error", "miss",   "collapsed",
    "expired", "request",   "partial",        "bypass", "none"};

// Requests that the gateway turned away.
enum class TurnedAway : std::uint8_t {
  kMalformed,
  kTooSlow,
  kHeadTooLarge,
  kBodyTooLarge,
  kUnsupported,   // a version, an upgrade or an expectation
  kDirective,     // a Larder-... header that is wrong
  kConnections,   // too many, in all or of one client
  kMemory,        // the bodies of all requests together are too large
  kAnswerMemory,  // the answers that callers are reading are, together
  kUnauthorized,  // no key of the gateway's, where it has clients of its own
  kForbidden,     // a provider or a model that the client may not use
  kRateLimit,
  kBudget,
};
inline constexpr std::array<std::string_view, 13> kTurnedAwayLabels = {
    "malformed", "too_slow",    "head_too_large", "body_too_large", "unsupported",
    "directive", "connections", "request_memory", "answer_memory",  "unauthorized",
    "forbidden", "rate_limit",  "budget"};

EndpointLabel EndpointOf(std::string_view path);
CacheLabel CacheLabelOf(const client::CacheOutcome& outcome);
// Of a status with which the server refuses a request before it is handled.
TurnedAway TurnedAwayBy(int status);

// Thread-safe; all counters only grow, but for `in_flight`.
struct RequestMetrics {
  using Counter = std::atomic<std::uint64_t>;

  std::array<std::array<Counter, kCacheLabels.size()>, kEndpointLabels.size()> requests = {};
  // By the hundreds of the status: 2xx is [2]; [0]: the caller was gone before a status was sent.
  std::array<Counter, 6> answers = {};
  std::array<client::LatencyHistogram, kCacheLabels.size()> first_byte = {};
  std::array<client::LatencyHistogram, kCacheLabels.size()> whole = {};
  std::array<Counter, kTurnedAwayLabels.size()> turned_away = {};
  std::atomic<std::int64_t> in_flight = 0;
  Counter saved_input_tokens = 0;
  Counter saved_output_tokens = 0;

  void Count(TurnedAway reason) { ++turned_away.at(static_cast<std::size_t>(reason)); }
};

}  // namespace larder::gateway
