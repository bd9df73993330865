// RuleSet: what has been invalidated: tags, key prefixes, and the floor under both.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "prefix_table.h"
#include "tag_table.h"

namespace larder {

inline constexpr std::size_t kMaxPrefixRules = 1000;

// Readers from any thread; one writer at a time. Where a rule is dropped to make room, the floor
// rises over it before it goes, and readers look at the floor last: they miss nothing.
class RuleSet {
 public:
  explicit RuleSet(std::size_t max_tags) : tags_(max_tags) {}

  void RaiseTag(std::uint64_t tag, std::uint64_t number) { tags_.Raise(tag, number); }
  void RaiseFloor(std::uint64_t number) { tags_.RaiseFloor(number); }
  void RaisePrefix(std::string_view prefix, std::uint64_t number) {
    if (number <= tags_.floor()) return;
    if (prefixes_.size() >= kMaxPrefixRules) {
      const std::uint64_t oldest = prefixes_.OldestEighth();
      tags_.RaiseFloor(oldest);
      prefixes_.DropUpTo(oldest);
    }
    prefixes_.Raise(prefix, number);
  }
  // Live. Where the floor has to go for it; 0: nowhere.
  std::uint64_t SetMaxTags(std::size_t max_tags) { return tags_.SetMaxTags(max_tags); }
  // Forgets what the floor covers; only memory changes.
  void DropCovered() {
    tags_.DropCovered();
    prefixes_.DropUpTo(tags_.floor());
  }

  bool Holds(std::string_view key, std::uint64_t number,
             std::span<const std::uint64_t> tags) const {
    return number > prefixes_.NumberFor(key) && tags_.Holds(number, tags);
  }
  // The number of the latest rule that covers something with this key and these tags.
  std::uint64_t Latest(std::string_view key, std::span<const std::uint64_t> tags) const {
    std::uint64_t latest = prefixes_.NumberFor(key);
    for (const std::uint64_t tag : tags) latest = std::max(latest, tags_.NumberOf(tag));
    return std::max(latest, tags_.floor());
  }

  const TagTable& tags() const { return tags_; }
  const PrefixTable& prefixes() const { return prefixes_; }
  std::uint64_t floor() const { return tags_.floor(); }
  std::size_t memory_bytes() const { return tags_.memory_bytes() + prefixes_.memory_bytes(); }

 private:
  TagTable tags_;
  PrefixTable prefixes_;
};

}  // namespace larder
