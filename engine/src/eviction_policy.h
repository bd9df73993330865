// EvictionPolicy: decides what a full cache keeps. Knows no store: the engine's reaper drives it,
// and so does the simulator in bench/hit_ratio.
//
// There is no index of entries. A clock hand goes through the key space; each slice it sweeps is
// rewritten without what is worth least. A row carries its own history (popularity.h); what
// happens between two sweeps is counted in a byte an entry (hit_counters.h), the evicted are
// remembered in four (ghost.h), the threshold comes from the slices before (score_histogram.h),
// and which weights suit is found out on the way (exponent_choice.h).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "byte_pieces.h"
#include "exponent_choice.h"
#include "ghost.h"
#include "hit_counters.h"
#include "larder/status.h"
#include "popularity.h"
#include "score_histogram.h"

namespace larder {

// What a policy is told of an entry. `hash`: 64 well-mixed bits of its key. `bytes`: as stored,
// key and record. `cost`: what computing it anew would cost, in any unit, the same for all.
struct EntryFacts {
  std::uint64_t hash = 0;
  std::uint64_t bytes = 0;
  double cost = 0;
};

// The access clock is the caller's: hits and stores of this cache, ever. If it steps back (a
// crash), entries look a little younger than they are.
//
// Thread-safe. Memory: 5 bytes an entry (up to 6 until it is resized), and less than 256 KB.
class EvictionPolicy {
 public:
  static constexpr std::size_t kMostBytesAnEntry = 6;

  // Address space is reserved for `most_entries`; with more, counts become less exact.
  explicit EvictionPolicy(std::size_t most_entries);
  ~EvictionPolicy();
  EvictionPolicy(const EvictionPolicy&) = delete;
  EvictionPolicy& operator=(const EvictionPolicy&) = delete;

  // Hot path, lock-free: 10 to 20 ns.
  void NoteHit(const EntryFacts& entry);
  // The popularity to write with an entry that is stored now. `replaced`: that of the row at its
  // key, if there is one; an entry that is computed anew keeps what it has earned.
  Popularity NoteStored(const EntryFacts& entry, std::uint64_t clock,
                        const std::optional<Popularity>& replaced);

  // About how many hits an entry has had, the older ones counting less. `popularity`: of its row;
  // `clock`: now.
  double EstimateHits(std::uint64_t hash, const Popularity& popularity, std::uint64_t clock) const;

  // Estimates will do. Cheap unless it
  // changed much; to be called at least once a lap of the hand. One thread at a time.
  void SetSize(const LiveSize& size);

  // Counters and ghost take memory for so many entries at most. Live.
  void LimitEntries(std::size_t most) { most_sized_for_ = most; }

  // One pass over a slice of the key space; see below.
  class Sweep;
  struct Slice {
    std::uint64_t clock = 0;       // now
    std::uint64_t last_swept = 0;  // the clock when this slice was swept before; 0 = never
    double drop = 0.2;             // the share of its bytes that should go
  };
  Sweep BeginSweep(const Slice& slice);

  // What is not in the rows: counters, ghost, histograms. About MemoryBytes() long, checksummed;
  // in pieces, and taking next to no memory. Errors: the sink's.
  Status Save(const ByteSink& sink) const;
  // kDataLoss: it does not verify, or is of another version. Other errors are the source's. If it
  // has one before all was verified the policy is as it was.
  Status Load(const ByteSource& saved);

  std::uint64_t MemoryBytes() const;
  // Which exponents are in use (index into ExponentChoice::kExponents).
  std::size_t exponents_in_use() const { return choice_.best(); }

 private:
  static constexpr std::size_t kCandidates = ExponentChoice::kCandidates;
  using Histograms = std::array<ScoreHistogram, kCandidates>;

  float GhostUnitNow() const;
  void NoteDensity(float density_log2);
  void Resize(std::uint64_t entries);

  HitCounters hits_;
  Ghost ghost_;
  ExponentChoice choice_;
  std::atomic<std::uint64_t> live_entries_{1};
  std::atomic<std::uint64_t> sized_for_{0};
  std::atomic<std::size_t> most_sized_for_;
  std::atomic<float> mean_density_log2_{0};
  std::atomic<std::uint64_t> densities_seen_{0};

  // What sweeps were to drop and what they did, and by how much the quantile is turned up so that
  // the two agree: scores drift between a slice and those before it.
  void NoteOutcome(double wanted_bytes, double dropped_bytes);

  mutable std::mutex mutex_;
  double correction_ = 1;                   // guarded by mutex_
  std::uint64_t sweeps_ = 0;                // guarded by mutex_; begun so far
  std::unique_ptr<Histograms> histograms_;  // guarded by mutex_; one a candidate, so that a
                                            // switch has its threshold at once
};

// Judges the rows of one slice; the policy learns from them for the slices to come. For one thread;
// sweeps of different slices may run at the same time. Must not outlive the policy.
class EvictionPolicy::Sweep {
 public:
  ~Sweep();
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  // The popularity to write back with the row, or nullopt: it is to be dropped. Each row once.
  std::optional<Popularity> Judge(const EntryFacts& entry, const Popularity& popularity);

 private:
  friend class EvictionPolicy;
  Sweep(EvictionPolicy& policy, const Slice& slice);

  // A row's bin in each candidate's histogram.
  struct Seen {
    std::array<std::uint16_t, kCandidates> bins;
    std::uint64_t bytes;
  };
  static constexpr std::size_t kBatch = 64;

  bool Drops(const Worth& worth, const EntryFacts& entry);
  void Flush();

  EvictionPolicy* policy_;
  Slice slice_;
  double live_entries_;
  std::size_t candidate_;
  ScoreHistogram::Threshold threshold_;
  std::uint64_t salt_ = 0;  // a row of the boundary that stays this time may go the next
  double bytes_ = 0;
  double dropped_bytes_ = 0;
  std::size_t seen_count_ = 0;
  std::array<Seen, kBatch> seen_;
};

}  // namespace larder
