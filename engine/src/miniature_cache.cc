#include "miniature_cache.h"

#include <algorithm>
#include <cmath>

#include "running_mean.h"

namespace larder {
namespace {
constexpr std::uint64_t kPurpose = 3;
constexpr double kDrop = 0.2;
}  // namespace

const std::size_t MiniatureCache::kMemoryBytes = sizeof(MiniatureCache) + 4096;

MiniatureCache::MiniatureCache(Exponents exponents)
    : exponents_(exponents), ghost_(kMostEntries / 2) {
  ghost_.Resize(kMostEntries / 2);
  slots_.fill(kEmpty);
}

std::size_t MiniatureCache::SlotOf(std::uint64_t hash) const {
  std::size_t slot = Mix(hash, kPurpose) % kSlots;
  while (slots_[slot] != kEmpty && entries_[slots_[slot]].hash != hash) slot = (slot + 1) % kSlots;
  return slot;
}

bool MiniatureCache::Access(const SampledAccess& access) {
  ++clock_;
  const std::size_t slot = SlotOf(access.hash);
  if (slots_[slot] != kEmpty) {
    ++entries_[slots_[slot]].hits;
    return true;
  }
  if (static_cast<double>(access.bytes) > capacity_) return false;
  Insert(slot, access);
  while (bytes_ > capacity_ || count_ == kMostEntries) Sweep();
  return false;
}

void MiniatureCache::Insert(std::size_t slot, const SampledAccess& access) {
  const float density = DensityLog2(access.cost, access.bytes);
  mean_density_ = RunningMean(mean_density_, density, stored_++);
  float accesses = 1;
  if (const std::optional<float> worth = ghost_.Take(access.hash)) {
    accesses += std::exp2(*worth - density + GhostUnit(mean_density_));
  }
  slots_[slot] = static_cast<std::uint16_t>(count_);
  entries_[count_++] = {.hash = access.hash,
                        .bytes = static_cast<std::uint32_t>(access.bytes),
                        .hits = 0,
                        .stamp = clock_,
                        .accesses = accesses,
                        .density = density,
                        .score = 0};
  bytes_ += static_cast<double>(access.bytes);
}

void MiniatureCache::Refresh(Entry& entry) {
  const std::uint32_t elapsed = clock_ - std::max(last_sweep_, entry.stamp);
  const auto live = static_cast<double>(count_);
  entry.accesses = AgedCount(entry.accesses, elapsed, live) + static_cast<float>(entry.hits);
  if (entry.hits > 0) entry.stamp = clock_ - elapsed / (entry.hits + 1);
  entry.hits = 0;
  entry.score =
      WorthOf(entry.accesses, entry.density, clock_ - entry.stamp, live).Score(exponents_);
}

// Drops what is worth least, a fifth of the capacity.
void MiniatureCache::Sweep() {
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(count_);
  std::for_each(entries_.begin(), end, [this](Entry& entry) { Refresh(entry); });
  std::sort(entries_.begin(), end,
            [](const Entry& a, const Entry& b) { return a.score > b.score; });
  const double goal = (1 - kDrop) * std::min(bytes_, capacity_);
  do {
    const Entry& last = entries_[--count_];
    bytes_ -= last.bytes;
    ghost_.Put(last.hash, std::log2(last.accesses) + last.density - GhostUnit(mean_density_));
  } while (count_ > 0 && bytes_ > goal);
  last_sweep_ = clock_;
  Rebuild();
}

void MiniatureCache::Rebuild() {
  slots_.fill(kEmpty);
  for (std::size_t i = 0; i < count_; ++i) {
    slots_[SlotOf(entries_[i].hash)] = static_cast<std::uint16_t>(i);
  }
}

}  // namespace larder
