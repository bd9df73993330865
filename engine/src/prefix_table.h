// PrefixTable: key prefix -> number of its latest invalidation. Few rules, looked at by every read
// that does not remember its answer, so a lookup is one binary search.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

struct PrefixRule {
  std::string prefix;
  std::uint64_t number = 0;
};

// Thread-safe; one writer at a time. A lookup takes no lock while there is no rule.
class PrefixTable {
 public:
  // Raises the prefix's number to `number`. What it covers as well, and at least as late, is
  // dropped.
  void Raise(std::string_view prefix, std::uint64_t number);
  void DropUpTo(std::uint64_t number);

  // The number of the latest rule that covers `key`; 0 if there is none.
  std::uint64_t NumberFor(std::string_view key) const;
  std::optional<PrefixRule> RuleFor(std::string_view key) const;
  // The largest number of the oldest eighth (at least one rule); 0 if there is none.
  std::uint64_t OldestEighth() const;

  std::vector<PrefixRule> Rules() const;
  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  // Of all prefixes together.
  std::size_t prefix_bytes() const { return prefix_bytes_.load(std::memory_order_relaxed); }
  std::size_t memory_bytes() const { return size() * sizeof(Node) + prefix_bytes(); }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;
  struct Node {
    PrefixRule rule;
    std::size_t parent = kNone;  // the longest other prefix of this prefix
  };

  std::size_t Find(std::string_view key) const;
  void Link();

  mutable std::shared_mutex mutex_;
  // Guarded by mutex_. Sorted by prefix. A rule has a greater number than its parent, which would
  // cover it otherwise: so the longest match has the number that counts.
  std::vector<Node> nodes_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> prefix_bytes_{0};
};

}  // namespace larder
