// CallLimits: how many calls a provider is sent at a time, for all stacks of a process together.
//
// A provider that answers slowly, or not at all, would else tie up a connection and a request's
// memory for every caller. Calls over the limit wait in a queue; who finds that full, or waits in
// it too long, gets kResourceExhausted. Hits are no calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "larder/clock.h"

namespace larder::client {

struct CallLimit {
  std::size_t max_concurrent = 0;  // calls to one provider at a time; 0 = no limit
  std::size_t max_queued = 1024;   // calls to one provider that may wait for their turn
  Duration max_wait = std::chrono::seconds(10);
};

struct CallStats {
  std::size_t running = 0;
  std::size_t queued = 0;
  std::uint64_t refused = 0;  // since the limits were made
};

class CallGate;

// Thread-safe.
class CallLimits {
 public:
  explicit CallLimits(const CallLimit& limit) : limit_(limit) {}

  const CallLimit& limit() const { return limit_; }
  // By provider.
  std::map<std::string, CallStats> Snapshot() const;

  // For the stacks: the provider's gate, made at first use.
  std::shared_ptr<CallGate> Of(const std::string& provider);

 private:
  const CallLimit limit_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<CallGate>> gates_;  // guarded by mutex_
};

}  // namespace larder::client
