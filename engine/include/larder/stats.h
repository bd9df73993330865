// Stats: counters since the cache was created (kept across restarts) and sizes as of now.
#pragma once

#include <cstdint>
#include <span>

#include "larder/clock.h"
#include "larder/health.h"

namespace larder {

// Field names are those of `cachectl stats --json`.
struct Stats {
  // Sizes now.
  std::uint64_t entries = 0;       // estimate of the store
  std::uint64_t disk_bytes = 0;    // all files in the directory
  std::uint64_t memory_bytes = 0;  // hot tier, block cache, memtables, ledger
  std::uint64_t hot_entries = 0;
  std::uint64_t hot_bytes = 0;
  std::uint64_t ledger_tags = 0;
  // In the store's files but expired, invalidated or removed: an estimate, as last looked at.
  std::uint64_t reclaimable_bytes = 0;
  // 0 calm, 1 near the budget, 2 evicting as files are merged, 3 also sweeping for it, 4 no room:
  // values are refused (docs/operations.md).
  std::uint64_t space_pressure = 0;

  // Counters.
  std::uint64_t raw_bytes = 0;     // bodies stored, before compression
  std::uint64_t stored_bytes = 0;  // records stored, keys included
  std::uint64_t hits = 0;
  std::uint64_t hot_hits = 0;    // of which from memory
  std::uint64_t stale_hits = 0;  // of which stale
  std::uint64_t misses = 0;      // the sum of:
  std::uint64_t misses_absent = 0;
  std::uint64_t misses_expired = 0;
  std::uint64_t misses_invalidated = 0;
  std::uint64_t misses_unwanted = 0;  // there, but not as new or as fresh as was asked
  std::uint64_t misses_corrupt = 0;
  std::uint64_t misses_fault = 0;  // the store could not be read
  std::uint64_t coalesced = 0;     // joined a running flight
  std::uint64_t stores = 0;
  std::uint64_t superseded = 0;  // not written: something newer was there
  // Not written: over a limit, ttl 0, invalid options, or the store takes no values now.
  std::uint64_t refused = 0;
  std::uint64_t store_faults = 0;   // reads and writes the store failed
  std::uint64_t removed = 0;        // by request
  std::uint64_t invalidated = 0;    // invalidations, not entries
  std::uint64_t expired = 0;        // entries reclaimed past their expiry or invalidated
  std::uint64_t evicted = 0;        // entries, for want of space
  std::uint64_t evicted_bytes = 0;  // their records
  // Of what was expired, invalidated or removed, by merges of the store's files; and what those
  // merges read and wrote in all.
  std::uint64_t reclaimed_bytes = 0;
  std::uint64_t merge_read_bytes = 0;
  std::uint64_t merge_written_bytes = 0;
  std::uint64_t microusd_saved = 0;  // cost of the entries hit
  std::uint64_t ms_saved = 0;        // compute time of the entries hit

  std::uint64_t fault_episodes = 0;  // times the store ceased to serve
  std::uint64_t reopened = 0;        // times it was opened anew without a restart
  std::uint64_t quarantined = 0;     // times it could not be opened and was moved aside

  Duration uptime{0};
  Health health = {};
};

// Names and places of all numbers but `uptime`, in the order in which people read them.
struct StatField {
  const char* name;
  std::uint64_t Stats::*value;
};
std::span<const StatField> StatFields();

}  // namespace larder
