#include "ghost.h"

#include <algorithm>
#include <cmath>

#include "little_endian.h"
#include "popularity.h"

namespace larder {
namespace {

constexpr std::size_t kWays = 8;
constexpr std::size_t kSlotBytes = 2;
constexpr std::size_t kEntriesABucket = kWays / 2;
constexpr std::uint64_t kPurpose = 2;
constexpr unsigned kWorthBits = 5;
constexpr unsigned kWorthMask = (1u << kWorthBits) - 1;
constexpr float kStepsAnOctave = 2;

std::size_t BucketsOf(std::size_t entries) {
  return std::max<std::size_t>(1, (entries + kEntriesABucket - 1) / kEntriesABucket);
}

struct Place {
  Place(std::uint64_t hash, std::size_t buckets) {
    const std::uint64_t mixed = Mix(hash, kPurpose);
    first = static_cast<std::size_t>((mixed >> 32) * buckets >> 32) * kWays;
    print = std::max<unsigned>(1, mixed & 0x7ff);  // 0 is a free slot
  }
  bool Owns(std::uint16_t slot) const { return static_cast<unsigned>(slot >> kWorthBits) == print; }

  std::size_t first;
  unsigned print;
};

}  // namespace

Ghost::Ghost(std::size_t most_entries) : slots_(BucketsOf(most_entries) * kWays) {}

std::size_t Ghost::BucketsFor(std::size_t entries) const {
  return std::min(BucketsOf(entries), slots_.most() / kWays);
}

void Ghost::Put(std::uint64_t hash, float worth_log2) {
  if (worth_log2 < 0) return;
  const Place place(hash, buckets());
  const auto worth = static_cast<unsigned>(
      std::min(std::lround(worth_log2 * kStepsAnOctave), static_cast<long>(kWorthMask)));
  const std::uint32_t turn = puts_.fetch_add(1, std::memory_order_relaxed);
  if (turn % 4 == 0) {
    const std::size_t aged = place.first + Mix(turn, kPurpose) % kWays;
    const std::uint16_t slot = slots_.Load(aged);
    const bool spent = (slot & kWorthMask) == 0;
    slots_.Store(aged, spent ? std::uint16_t{0} : static_cast<std::uint16_t>(slot - 1));
  }
  std::size_t least = place.first;
  int least_worth = static_cast<int>(kWorthMask) + 1;
  for (std::size_t i = place.first; i < place.first + kWays; ++i) {
    const std::uint16_t slot = slots_.Load(i);
    if (place.Owns(slot)) {
      least = i;
      break;
    }
    const int slot_worth = slot == 0 ? -1 : static_cast<int>(slot & kWorthMask);
    if (slot_worth >= least_worth) continue;
    least_worth = slot_worth;
    least = i;
  }
  slots_.Store(least, static_cast<std::uint16_t>(place.print << kWorthBits | worth));
}

std::optional<float> Ghost::Take(std::uint64_t hash) {
  const Place place(hash, buckets());
  for (std::size_t i = place.first; i < place.first + kWays; ++i) {
    const std::uint16_t slot = slots_.Load(i);
    if (!place.Owns(slot)) continue;
    slots_.Store(i, 0);
    return static_cast<float>(slot & kWorthMask) / kStepsAnOctave;
  }
  return std::nullopt;
}

void Ghost::Resize(std::size_t entries) {
  const std::size_t after = BucketsFor(entries);
  const std::size_t before = buckets();
  if (after == before) return;
  if (after < before) buckets_in_use_.store(after, std::memory_order_relaxed);
  slots_.Stretch(before, after, kWays);
  buckets_in_use_.store(after, std::memory_order_relaxed);
}

void Ghost::Save(std::size_t at, std::span<char> out) const {
  for (std::size_t i = 0; i < out.size(); i += kSlotBytes) {
    PutFixed(&out[i], slots_.Load((at + i) / kSlotBytes), kSlotBytes);
  }
}

bool Ghost::Fits(std::uint64_t saved_bytes, std::size_t entries) const {
  return saved_bytes == kSlotBytes * kWays * BucketsFor(entries);
}

void Ghost::Load(std::size_t at, std::span<const char> saved) {
  for (std::size_t i = 0; i < saved.size(); i += kSlotBytes) {
    slots_.Store((at + i) / kSlotBytes,
                 static_cast<std::uint16_t>(GetFixed(&saved[i], kSlotBytes)));
  }
}

}  // namespace larder
