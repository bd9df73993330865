// The engine's eviction policy, driven as its reaper drives it: rows in the order of their keys,
// a hand that sweeps slice after slice when the cache is full, counts and stamps in the rows.
#include <algorithm>

#include "eviction_policy.h"
#include "simulated_cache.h"

namespace larder::hit_ratio {
namespace {

// Slices of the key space, so many that each has at least kFewestEntries.
constexpr std::size_t kMostSlices = 64;
constexpr std::uint64_t kFewestEntries = 50;
// The key space in pieces small enough to make slices of.
constexpr std::uint64_t kMostPieces = 4096;
constexpr std::uint64_t kEntriesAPiece = 8;

std::size_t PiecesFor(const std::vector<Item>& items, std::uint64_t capacity) {
  std::uint64_t footprint = 0;
  for (const Item& item : items) footprint += item.bytes;
  const double entries = static_cast<double>(items.size()) * static_cast<double>(capacity) /
                         static_cast<double>(footprint);
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(entries) / kEntriesAPiece, 1,
                                   kMostPieces);
}

class SweepCache final : public SimulatedCache {
 public:
  SweepCache(const std::vector<Item>& items, std::uint64_t capacity, double drop)
      : items_(items),
        capacity_(capacity),
        drop_(drop),
        there_(items.size()),
        popularity_(items.size()),
        pieces_(PiecesFor(items, capacity)),
        policy_(items.size()) {}

  bool Access(std::uint32_t item) override {
    ++clock_;
    const Item& facts = items_[item];
    const EntryFacts entry{.hash = facts.hash, .bytes = facts.bytes, .cost = facts.cost};
    if (there_[item]) {
      policy_.NoteHit(entry);
      return true;
    }
    if (facts.bytes > capacity_) return false;
    popularity_[item] = policy_.NoteStored(entry, clock_, std::nullopt);
    there_[item] = true;
    pieces_[facts.hash % pieces_.size()].items.push_back(item);
    used_ += facts.bytes;
    // As the engine's background thread does now and then.
    if (++entries_ > told_entries_ + told_entries_ / 8) TellSize();
    while (used_ > capacity_) SweepSlice();
    return false;
  }
  std::uint64_t RewrittenBytes() const override { return rewritten_; }
  std::uint64_t MemoryBytes() const override { return policy_.MemoryBytes(); }
  std::uint64_t Entries() const override { return entries_; }

 private:
  struct Piece {
    std::vector<std::uint32_t> items;
    std::uint64_t last_swept = 0;
  };

  void TellSize() {
    policy_.SetSize({.entries = entries_, .bytes = used_, .capacity_bytes = capacity_});
    told_entries_ = entries_;
  }

  void SweepSlice() {
    TellSize();
    const std::uint64_t wanted = std::max(kFewestEntries, entries_ / kMostSlices);
    EvictionPolicy::Sweep sweep = policy_.BeginSweep(
        {.clock = clock_, .last_swept = pieces_[hand_].last_swept, .drop = drop_});
    const std::uint64_t before = entries_;
    for (std::uint64_t seen = 0; seen < std::min(wanted, before);) {
      Piece& piece = pieces_[hand_];
      seen += piece.items.size();
      std::erase_if(piece.items, [&](std::uint32_t item) { return !Keep(sweep, item); });
      piece.last_swept = clock_;
      hand_ = (hand_ + 1) % pieces_.size();
    }
  }

  bool Keep(EvictionPolicy::Sweep& sweep, std::uint32_t item) {
    const Item& facts = items_[item];
    const std::optional<Popularity> kept = sweep.Judge(
        {.hash = facts.hash, .bytes = facts.bytes, .cost = facts.cost}, popularity_[item]);
    if (kept.has_value()) {
      popularity_[item] = *kept;
      rewritten_ += facts.bytes;
      return true;
    }
    there_[item] = false;
    used_ -= facts.bytes;
    --entries_;
    return false;
  }

  const std::vector<Item>& items_;
  const std::uint64_t capacity_;
  const double drop_;
  std::vector<bool> there_;
  std::vector<Popularity> popularity_;
  std::vector<Piece> pieces_;
  EvictionPolicy policy_;
  std::size_t hand_ = 0;
  std::uint64_t clock_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t told_entries_ = 0;
  std::uint64_t rewritten_ = 0;
};

}  // namespace

MakeCache MakeSweep(double drop) {
  return [drop](const std::vector<Item>& items, std::uint64_t capacity) {
    return std::make_unique<SweepCache>(items, capacity, drop);
  };
}

}  // namespace larder::hit_ratio
