// Refusals: how often answers were kept from the cache, by reason.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace larder::client {

// Reasons of requests that go past the cache: "stateful", "not-i-json", "too-complex" (over 524,288
// values, or 16,384 inputs of embeddings), "no-input" (of embeddings), "policy" (a rule says so),
// "no-store", "conditional" (If-None-Match and the like); and of requests that would have been
// cached: "store-unavailable" (the store did not answer in time), "not-shared" (what another was
// waiting for could not be given to this caller), "invalid-answer" (to a part of a batch of
// embeddings, which does not fit; it was asked for as a whole).
// Reasons of answers that are not stored: "status" (not 2xx), "content_type" (neither JSON nor an
// event stream, or encoded), "too_large", "invalid", "error" (under 2xx), "no_end" (a stream that
// was cut, or plain HTTP of no told length), "empty", "content_filter", "refusal", "truncated",
// "incomplete", "bad_arguments"; of plain HTTP also "vary" (with a header that is not in the key),
// "set_cookie", "no_store" (the upstream forbids it), "stale" (it came without freshness left).
//
// Thread-safe. Shared by all stacks of a process, so that it counts for all.
class Refusals {
 public:
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
