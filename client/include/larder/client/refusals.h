// Refusals: how often answers were kept from the cache, by reason.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace larder::client {

// All the reasons there are.
inline constexpr std::string_view kRefusalReasons[] = {
    // Of requests that go past the cache.
    "stateful",     // the answer depends on more than the request
    "not-i-json",   // a body that is not read the same by all
    "too-complex",  // over 524,288 values, 16,384 inputs of embeddings, or what these repeat
    "no-input",     // embeddings of nothing
    "policy",       // a rule says so
    "no-store",     // the request says so
    "conditional",  // If-None-Match and the like
    // Of requests that would have been cached.
    "store-unavailable",  // the store did not answer in time
    "flight-memory",      // answers under way take what they may together (flight_memory.h)
    "not-shared",         // what another was waiting for could not be given to this caller
    "invalid-answer",     // to a part of a batch of embeddings; it was asked for as a whole
    // Of answers that are not stored.
    "status",          // not 2xx
    "content_type",    // neither JSON nor an event stream, or encoded
    "too_large",       // over max_body_bytes, or a batch whose items would be more than that
    "invalid",         // no answer of this endpoint
    "too_complex",     // over two million values, or an exception on the way
    "error",           // under 2xx
    "no_end",          // cut, or a stream without its proper end, or plain HTTP of no told length
    "empty",           // nothing in it
    "content_filter",  // ended by it
    "refusal",         // the model would not
    "truncated",       // at a limit that the request did not set
    "incomplete",      // a response that says so
    "bad_arguments",   // of a function call: neither empty nor JSON
    "vary",            // of plain HTTP: with a header that is not in the key
    "set_cookie",      // likewise: with a cookie
    "no_store",        // likewise: the upstream forbids it
    "stale",           // likewise: it came without freshness left
};

// Thread-safe. Shared by all stacks of a process, so that it counts for all.
class Refusals {
 public:
  // `reason`: one of kRefusalReasons.
  void Add(std::string_view reason) {
    const std::lock_guard lock(mutex_);
    ++counts_[std::string(reason)];
  }
  // Reason -> how often, since this was made.
  std::map<std::string, std::uint64_t> Counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;  // guarded by mutex_
};

}  // namespace larder::client
