// Entry: an immutable cached value with what the cache knows about it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "larder/clock.h"
#include "larder/shared_bytes.h"

namespace larder {

struct EntryData;  // engine-internal

// A cheap handle (one reference count). Views stay valid as long as any copy of the Entry, which
// may outlive the Cache. Thread-safe.
class Entry {
 public:
  explicit Entry(std::shared_ptr<const EntryData> data) : data_(std::move(data)) {}

  std::string_view body() const;
  // The body together with what keeps it alive.
  SharedBytes shared_body() const;
  // As given in WriteOptions::metadata.
  std::string_view metadata() const;
  std::vector<std::string_view> tags() const;

  // When the computation was complete.
  TimePoint created() const;
  // From then on the entry is stale; kNever if it does not expire. Earlier than it was written
  // with if a soft invalidation came first, as far as the latest read of the entry knew.
  TimePoint fresh_until() const;
  // From then on the entry is never returned; kNever if it does not expire.
  TimePoint expires() const;

  // How long past fresh_until it may be served while it is computed anew / when that fails.
  Duration stale_while_revalidate() const;
  Duration stale_if_error() const;
  // As in WriteOptions::negative.
  bool negative() const;

  std::uint64_t cost_microusd() const;  // 0 = not known
  Duration compute_time() const;
  // Orders this entry among all leases and invalidations of the store; never 0.
  std::uint64_t number() const;
  // Bytes of the record in the store, key included; 0 if it was not stored.
  std::uint64_t stored_bytes() const;

  // For the engine's own use.
  const std::shared_ptr<const EntryData>& data() const { return data_; }

 private:
  std::shared_ptr<const EntryData> data_;
};

}  // namespace larder
