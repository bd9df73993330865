#include "tag_table.h"

#include <algorithm>
#include <bit>

namespace larder {
namespace {

constexpr std::size_t kMaxShards = 64;
// Below this many tags a shard, further shards would only make "the oldest" less exact.
constexpr std::size_t kMinTagsPerShard = 1024;
constexpr std::size_t kFirstSlots = 16;

std::size_t ShardCount(std::size_t max_tags) {
  return std::bit_floor(std::clamp<std::size_t>(max_tags / kMinTagsPerShard, 1, kMaxShards));
}

// Slots for `tags` tags at a load of at most 7/8.
std::size_t SlotsFor(std::size_t tags) { return tags + tags / 7 + 1; }

// The high bits choose the slot, for any number of slots (Lemire's fast range); the low bits
// chose the shard.
std::size_t SlotOf(std::uint64_t tag, std::size_t slot_count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>((Wide{tag} * slot_count) >> 64);
}

}  // namespace

TagTable::TagTable(std::size_t max_tags)
    : shard_count_(ShardCount(max_tags)),
      shards_(std::make_unique<Shard[]>(shard_count_)),
      max_per_shard_(std::max<std::size_t>(max_tags / shard_count_, 1)),
      memory_bytes_(shard_count_ * sizeof(Shard)) {}

TagTable::Shard& TagTable::ShardOf(std::uint64_t tag) const {
  return shards_[tag & (shard_count_ - 1)];
}

// The tag's slot, or the free one where it belongs. There is always a free one.
TagTable::Slot& TagTable::Find(std::vector<Slot>& slots, std::uint64_t tag) {
  std::size_t index = SlotOf(tag, slots.size());
  while (slots[index].number != 0 && slots[index].tag != tag) {
    if (++index == slots.size()) index = 0;
  }
  return slots[index];
}

void TagTable::Raise(std::uint64_t tag, std::uint64_t number) {
  if (number <= floor()) return;
  Shard& shard = ShardOf(tag);
  const std::lock_guard lock(shard.mutex);
  if (!shard.slots.empty()) {
    Slot& slot = Find(shard.slots, tag);
    if (slot.number != 0) {
      slot.number = std::max(slot.number, number);
      return;
    }
  }
  if (shard.used >= max_per_shard_ || SlotsFor(shard.used + 1) > shard.slots.size()) {
    MakeRoom(shard);
  }
  Find(shard.slots, tag) = {.tag = tag, .number = number};
  ++shard.used;
  size_.fetch_add(1, std::memory_order_acq_rel);
}

// More slots while there may be more tags; then what the floor covers anyway; then the oldest.
void TagTable::MakeRoom(Shard& shard) {
  if (shard.used < max_per_shard_) {
    const std::size_t wanted = std::max(kFirstSlots, shard.slots.size() + shard.slots.size() / 2);
    Rebuild(shard, std::min(wanted, SlotsFor(max_per_shard_)), 0);
    return;
  }
  DropUpTo(shard, floor());
  if (shard.used < max_per_shard_) return;
  const std::uint64_t oldest = OldestOf(shard, (shard.used + 7) / 8);
  const std::size_t before = shard.used;
  // The floor first: a reader that no longer finds a tag reads the floor afterwards.
  RaiseFloor(oldest);
  DropUpTo(shard, oldest);
  dropped_.fetch_add(before - shard.used, std::memory_order_relaxed);
}

// The largest number of the shard's oldest `count` tags, at least one.
std::uint64_t TagTable::OldestOf(const Shard& shard, std::size_t count) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(shard.used);
  for (const Slot& slot : shard.slots) {
    if (slot.number != 0) numbers.push_back(slot.number);
  }
  const auto last = numbers.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(numbers.begin(), last, numbers.end());
  return *last;
}

// Slots that no tag may use any more go too. There is one for the tag to come.
void TagTable::DropUpTo(Shard& shard, std::uint64_t number) {
  const auto kept = static_cast<std::size_t>(
      std::count_if(shard.slots.begin(), shard.slots.end(),
                    [number](const Slot& slot) { return slot.number > number; }));
  const std::size_t most = SlotsFor(std::max(kept + 1, max_per_shard_.load()));
  Rebuild(shard, std::min(shard.slots.size(), most), number);
}

std::uint64_t TagTable::SetMaxTags(std::size_t max_tags) {
  const std::size_t most = std::max<std::size_t>(max_tags / shard_count_, 1);
  max_per_shard_ = most;
  std::uint64_t floor = 0;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    if (shards_[i].used <= most) continue;
    const std::size_t excess = shards_[i].used - most;
    floor = std::max(floor, OldestOf(shards_[i], excess));
    dropped_.fetch_add(excess, std::memory_order_relaxed);
  }
  return floor;
}

void TagTable::Rebuild(Shard& shard, std::size_t slot_count, std::uint64_t drop_up_to) {
  std::vector<Slot> slots(slot_count);
  const std::size_t before = shard.used;
  shard.used = 0;
  for (const Slot& slot : shard.slots) {
    if (slot.number <= drop_up_to) continue;
    Find(slots, slot.tag) = slot;
    ++shard.used;
  }
  memory_bytes_.fetch_add(sizeof(Slot) * (slots.size() - shard.slots.size()),
                          std::memory_order_relaxed);
  shard.slots.swap(slots);
  size_.fetch_sub(before - shard.used, std::memory_order_acq_rel);
}

void TagTable::RaiseFloor(std::uint64_t number) {
  std::uint64_t seen = floor_.load(std::memory_order_relaxed);
  while (seen < number && !floor_.compare_exchange_weak(seen, number, std::memory_order_acq_rel)) {
  }
}

void TagTable::DropCovered() {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    if (shards_[i].used != 0) DropUpTo(shards_[i], floor());
  }
}

bool TagTable::Holds(std::uint64_t number, std::span<const std::uint64_t> tags) const {
  if (size_.load(std::memory_order_acquire) != 0) {
    for (const std::uint64_t tag : tags) {
      Shard& shard = ShardOf(tag);
      const std::lock_guard lock(shard.mutex);
      if (!shard.slots.empty() && number <= Find(shard.slots, tag).number) return false;
    }
  }
  return number > floor();
}

std::uint64_t TagTable::NumberOf(std::uint64_t tag) const {
  if (size_.load(std::memory_order_acquire) == 0) return 0;
  Shard& shard = ShardOf(tag);
  const std::lock_guard lock(shard.mutex);
  return shard.slots.empty() ? 0 : Find(shard.slots, tag).number;
}

// The visitor may write to a slow disk, so it is called without the lock that readers take.
void TagTable::Visit(
    const std::function<void(std::uint64_t tag, std::uint64_t number)>& visit) const {
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    {
      const std::lock_guard lock(shards_[i].mutex);
      slots = shards_[i].slots;
    }
    for (const Slot& slot : slots) {
      if (slot.number != 0) visit(slot.tag, slot.number);
    }
  }
}

}  // namespace larder
