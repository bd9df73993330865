#include "counters.h"

namespace larder {

void Counters::Fill(Stats& stats) const {
  const std::vector<std::uint64_t> sums = Read();
  const auto of = [&sums](Counter counter) { return sums[Index(counter)]; };
  stats.raw_bytes = of(Counter::kRawBytes);
  stats.stored_bytes = of(Counter::kStoredBytes);
  stats.hits = of(Counter::kHits);
  stats.hot_hits = of(Counter::kHotHits);
  stats.stale_hits = of(Counter::kStaleHits);
  stats.misses_absent = of(Counter::kMissesAbsent);
  stats.misses_expired = of(Counter::kMissesExpired);
  stats.misses_invalidated = of(Counter::kMissesInvalidated);
  stats.misses_unwanted = of(Counter::kMissesUnwanted);
  stats.misses_corrupt = of(Counter::kMissesCorrupt);
  stats.misses_fault = of(Counter::kMissesFault);
  stats.misses = stats.misses_absent + stats.misses_expired + stats.misses_invalidated +
                 stats.misses_unwanted + stats.misses_corrupt + stats.misses_fault;
  stats.coalesced = of(Counter::kCoalesced);
  stats.stores = of(Counter::kStores);
  stats.superseded = of(Counter::kSuperseded);
  stats.refused = of(Counter::kRefused);
  stats.store_faults = of(Counter::kStoreFaults);
  stats.removed = of(Counter::kRemoved);
  stats.invalidated = of(Counter::kInvalidated);
  stats.expired = of(Counter::kExpired);
  stats.evicted = of(Counter::kEvicted);
  stats.microusd_saved = of(Counter::kMicrousdSaved);
  stats.ms_saved = of(Counter::kMsSaved);
  stats.fault_episodes = of(Counter::kFaultEpisodes);
  stats.reopened = of(Counter::kReopened);
  stats.quarantined = of(Counter::kQuarantined);
  stats.evicted_bytes = of(Counter::kEvictedBytes);
  stats.reclaimed_bytes = of(Counter::kReclaimedBytes);
  stats.merge_read_bytes = of(Counter::kMergeReadBytes);
  stats.merge_written_bytes = of(Counter::kMergeWrittenBytes);
}

}  // namespace larder
