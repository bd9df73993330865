#include "eviction_policy.h"

#include <algorithm>
#include <cmath>

#include "running_mean.h"

namespace larder {
namespace {

constexpr std::uint64_t kFewest = 1024;
// Counters and ghost are resized when the entries grew or shrank by this.
constexpr double kGrowth = 1.3;
constexpr double kShrinkage = 1.2;
constexpr std::uint64_t kDicePurpose = 5;

std::uint32_t Dice(std::uint64_t hash, std::uint64_t clock) {
  return static_cast<std::uint32_t>(Mix(hash ^ Mix(clock, kDicePurpose), kDicePurpose));
}

}  // namespace

EvictionPolicy::EvictionPolicy(std::size_t most_entries)
    : hits_(std::max<std::size_t>(most_entries, kFewest)),
      ghost_(std::max<std::size_t>(most_entries, kFewest)),
      most_sized_for_(most_entries),
      histograms_(std::make_unique<Histograms>()) {
  Resize(kFewest);
}

EvictionPolicy::~EvictionPolicy() = default;

void EvictionPolicy::NoteHit(const EntryFacts& entry) {
  hits_.Add(entry.hash);
  choice_.Note({entry.hash, entry.bytes, entry.cost});
}

Popularity EvictionPolicy::NoteStored(const EntryFacts& entry, std::uint64_t clock,
                                      const std::optional<Popularity>& replaced) {
  choice_.Note({entry.hash, entry.bytes, entry.cost});
  const float density = DensityLog2(entry.cost, entry.bytes);
  NoteDensity(density);
  float accesses = 1;
  if (replaced.has_value()) {
    accesses += CountOf(replaced->count);
  } else if (const std::optional<float> worth = ghost_.Take(entry.hash)) {
    accesses += std::exp2(*worth + GhostUnitNow() - density);
  }
  return {.count = EncodeCount(accesses, Dice(entry.hash, clock)), .stamp = clock};
}

// Updates lost between threads do not matter to a mean.
void EvictionPolicy::NoteDensity(float density_log2) {
  const std::uint64_t seen = densities_seen_.load(std::memory_order_relaxed);
  const float mean = mean_density_log2_.load(std::memory_order_relaxed);
  mean_density_log2_.store(RunningMean(mean, density_log2, seen), std::memory_order_relaxed);
  densities_seen_.store(seen + 1, std::memory_order_relaxed);
}

float EvictionPolicy::GhostUnitNow() const {
  return GhostUnit(mean_density_log2_.load(std::memory_order_relaxed));
}

void EvictionPolicy::SetSize(const LiveSize& size) {
  live_entries_.store(std::max<std::uint64_t>(size.entries, 1), std::memory_order_relaxed);
  choice_.SetSize(size);
  const std::uint64_t most = std::max<std::uint64_t>(most_sized_for_, kFewest);
  const auto wanted = static_cast<double>(std::clamp(size.entries, kFewest, most));
  const auto sized = static_cast<double>(sized_for_.load(std::memory_order_relaxed));
  if (wanted > sized * kGrowth || wanted * kShrinkage < sized) {
    Resize(static_cast<std::uint64_t>(wanted));
  }
}

void EvictionPolicy::Resize(std::uint64_t entries) {
  hits_.Resize(entries);
  ghost_.Resize(entries);
  sized_for_.store(entries, std::memory_order_relaxed);
}

std::uint64_t EvictionPolicy::MemoryBytes() const {
  return sizeof(*this) + hits_.bytes() + ghost_.bytes() + sizeof(Histograms) +
         kCandidates * MiniatureCache::kMemoryBytes;
}

// Having been stored counts as an access in the row.
double EvictionPolicy::EstimateHits(std::uint64_t hash, const Popularity& popularity,
                                    std::uint64_t clock) const {
  const auto elapsed = static_cast<double>(clock > popularity.stamp ? clock - popularity.stamp : 0);
  const auto live = static_cast<double>(live_entries_.load(std::memory_order_relaxed));
  const double before = AgedCount(CountOf(popularity.count), elapsed, live) - 1;
  return std::max(0.0, before) + hits_.Peek(hash);
}

EvictionPolicy::Sweep EvictionPolicy::BeginSweep(const Slice& slice) { return Sweep(*this, slice); }

EvictionPolicy::Sweep::Sweep(EvictionPolicy& policy, const Slice& slice)
    : policy_(&policy),
      slice_(slice),
      live_entries_(static_cast<double>(policy.live_entries_.load(std::memory_order_relaxed))),
      candidate_(policy.choice_.best()) {
  const std::lock_guard<std::mutex> lock(policy.mutex_);
  threshold_ = (*policy.histograms_)[candidate_].Quantile(slice.drop * policy.correction_);
  salt_ = ~++policy.sweeps_;
  for (ScoreHistogram& histogram : *policy.histograms_) histogram.BeginSlice();
}

EvictionPolicy::Sweep::~Sweep() {
  Flush();
  const bool learnt_only = threshold_.bin == 0 && threshold_.share == 0;
  if (!learnt_only) policy_->NoteOutcome(slice_.drop * bytes_, dropped_bytes_);
}

void EvictionPolicy::NoteOutcome(double wanted_bytes, double dropped_bytes) {
  constexpr double kGain = 0.05;  // slow, as a slice of 50 entries is off by a quarter by chance
  constexpr double kMostCorrection = 1.5;
  constexpr double kAim = 1.02;  // a little over, so that no less is freed than asked for
  const std::lock_guard<std::mutex> lock(mutex_);
  const double missing = kAim - dropped_bytes / std::max(wanted_bytes, 1.0);
  correction_ = std::clamp(correction_ * (1 + kGain * std::clamp(missing, -1.0, 1.0)),
                           1 / kMostCorrection, kMostCorrection);
}

void EvictionPolicy::Sweep::Flush() {
  const std::lock_guard<std::mutex> lock(policy_->mutex_);
  for (std::size_t row = 0; row < seen_count_; ++row) {
    for (std::size_t i = 0; i < kCandidates; ++i) {
      (*policy_->histograms_)[i].Add(seen_[row].bins[i], seen_[row].bytes);
    }
  }
  seen_count_ = 0;
}

std::optional<Popularity> EvictionPolicy::Sweep::Judge(const EntryFacts& entry,
                                                       const Popularity& popularity) {
  const std::uint64_t now = slice_.clock;
  std::uint64_t stamp = std::min(popularity.stamp, now);
  const std::uint64_t elapsed = now - std::min(std::max(slice_.last_swept, stamp), now);
  const unsigned hits = policy_->hits_.Take(entry.hash);
  if (hits > 0) stamp = now - elapsed / (hits + 1);
  const float accesses =
      AgedCount(CountOf(popularity.count), static_cast<double>(elapsed), live_entries_) +
      static_cast<float>(hits);
  const Worth worth = WorthOf(accesses, DensityLog2(entry.cost, entry.bytes),
                              static_cast<double>(now - stamp), live_entries_);
  bytes_ += static_cast<double>(entry.bytes);
  if (!Drops(worth, entry)) {
    return Popularity{.count = EncodeCount(accesses, Dice(entry.hash, now)), .stamp = stamp};
  }
  dropped_bytes_ += static_cast<double>(entry.bytes);
  policy_->ghost_.Put(entry.hash, worth.count + worth.density - policy_->GhostUnitNow());
  return std::nullopt;
}

bool EvictionPolicy::Sweep::Drops(const Worth& worth, const EntryFacts& entry) {
  if (seen_count_ == kBatch) Flush();
  Seen& seen = seen_[seen_count_++];
  seen.bytes = entry.bytes;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    seen.bins[i] = ScoreHistogram::BinOf(worth.Score(ExponentChoice::kExponents[i]));
  }
  const std::uint16_t bin = seen.bins[candidate_];
  if (bin != threshold_.bin) return bin < threshold_.bin;
  const float dice = static_cast<float>(Dice(entry.hash, salt_) >> 8) / (1 << 24);
  return dice < threshold_.share;
}

}  // namespace larder
