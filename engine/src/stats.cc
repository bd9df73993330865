#include "larder/stats.h"

namespace larder {
namespace {

// In the order in which people read them.
constexpr StatField kFields[] = {
    {"entries", &Stats::entries},
    {"raw_bytes", &Stats::raw_bytes},
    {"stored_bytes", &Stats::stored_bytes},
    {"disk_bytes", &Stats::disk_bytes},
    {"memory_bytes", &Stats::memory_bytes},
    {"hot_entries", &Stats::hot_entries},
    {"hot_bytes", &Stats::hot_bytes},
    {"ledger_tags", &Stats::ledger_tags},
    {"reclaimable_bytes", &Stats::reclaimable_bytes},
    {"space_pressure", &Stats::space_pressure},
    {"hits", &Stats::hits},
    {"hot_hits", &Stats::hot_hits},
    {"stale_hits", &Stats::stale_hits},
    {"misses", &Stats::misses},
    {"misses_absent", &Stats::misses_absent},
    {"misses_expired", &Stats::misses_expired},
    {"misses_invalidated", &Stats::misses_invalidated},
    {"misses_unwanted", &Stats::misses_unwanted},
    {"misses_corrupt", &Stats::misses_corrupt},
    {"misses_fault", &Stats::misses_fault},
    {"coalesced", &Stats::coalesced},
    {"stores", &Stats::stores},
    {"superseded", &Stats::superseded},
    {"refused", &Stats::refused},
    {"store_faults", &Stats::store_faults},
    {"removed", &Stats::removed},
    {"invalidated", &Stats::invalidated},
    {"expired", &Stats::expired},
    {"evicted", &Stats::evicted},
    {"evicted_bytes", &Stats::evicted_bytes},
    {"reclaimed_bytes", &Stats::reclaimed_bytes},
    {"merge_read_bytes", &Stats::merge_read_bytes},
    {"merge_written_bytes", &Stats::merge_written_bytes},
    {"microusd_saved", &Stats::microusd_saved},
    {"ms_saved", &Stats::ms_saved},
    {"fault_episodes", &Stats::fault_episodes},
    {"reopened", &Stats::reopened},
    {"quarantined", &Stats::quarantined},
};

}  // namespace

std::span<const StatField> StatFields() { return kFields; }

}  // namespace larder
