// Observer: is told what a cache does, as it does it. For monitors and metrics of one's own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "larder/flight.h"
#include "larder/health.h"
#include "larder/invalidation.h"

namespace larder {

// Set in Options::observer. Called on the thread that did what is told, without any lock held,
// after it was done; so from any number of threads at a time, and not in one order for all. A call
// must be quick, as a caller waits for it; it may call the cache. What it throws is swallowed.
// Views are valid during the call. Keys are told as they are; bodies never. Peek, Scan, GetInMemory
// without a hit, and Explain are not told. Close from here is kUnavailable, and goes on after it.
class Observer {
 public:
  struct Hit {
    std::string_view key = {};
    bool stale = false;
    bool in_memory = false;
    std::uint64_t cost_microusd = 0;
    Duration compute_time{0};
    std::uint64_t stored_bytes = 0;  // key and record; 0: not known
  };
  struct Stored {
    std::string_view key = {};
    std::uint64_t number = 0;
    std::uint64_t raw_bytes = 0;
    std::uint64_t stored_bytes = 0;
    std::uint64_t cost_microusd = 0;
    Duration compute_time{0};
  };
  // A value that was not stored.
  struct Refused {
    std::string_view key = {};
    PutOutcome outcome = PutOutcome::kNotStored;  // or kSuperseded
    StatusCode code = StatusCode::kOk;            // as told to the writer; kOk for a ttl of 0
  };
  // Of the two, `what` is empty or `removed` is. A removal is told when it is acknowledged.
  struct Invalidated {
    std::span<const Invalidation> what = {};
    std::uint64_t number = 0;       // of `what`; 0: not acknowledged, but it holds in memory
    std::string_view removed = {};  // the key
  };
  struct Evicted {
    std::string_view key = {};
    std::uint64_t stored_bytes = 0;
    std::uint64_t cost_microusd = 0;
  };
  // Files of the store were merged. Of what was read, `evicted_bytes` went for want of space and
  // `reclaimed_bytes` were expired, invalidated or removed.
  struct Compacted {
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t evicted_bytes = 0;
    std::uint64_t reclaimed_bytes = 0;
  };

  virtual ~Observer() = default;
  virtual void OnHit(const Hit& /*hit*/) {}
  virtual void OnMiss(std::string_view /*key*/, MissReason /*reason*/) {}
  virtual void OnStored(const Stored& /*stored*/) {}
  virtual void OnRefused(const Refused& /*refused*/) {}
  virtual void OnInvalidated(const Invalidated& /*invalidated*/) {}
  // The store's health has changed since it was last looked at, which is about once a second.
  virtual void OnHealth(const Health& /*health*/) {}
  // Both from a thread of the store's own; must not call the cache.
  virtual void OnEvicted(const Evicted& /*evicted*/) {}
  virtual void OnCompacted(const Compacted& /*compacted*/) {}
};

}  // namespace larder
