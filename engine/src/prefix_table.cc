#include "prefix_table.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace larder {

void PrefixTable::Raise(std::string_view prefix, std::uint64_t number) {
  if (NumberFor(prefix) >= number) return;
  // All memory first: without it nothing has changed, and no rule is lost.
  Node raised{.rule = {.prefix = std::string(prefix), .number = number}};
  const std::unique_lock lock(mutex_);
  if (nodes_.size() == nodes_.capacity()) nodes_.reserve(2 * nodes_.size() + 1);
  std::erase_if(nodes_, [&](const Node& node) {
    return node.rule.number <= number && node.rule.prefix.starts_with(prefix);
  });
  const auto before = [](const Node& node, std::string_view text) {
    return node.rule.prefix < text;
  };
  const auto at = std::lower_bound(nodes_.begin(), nodes_.end(), prefix, before);
  nodes_.insert(at, std::move(raised));
  Link();
}

void PrefixTable::DropUpTo(std::uint64_t number) {
  if (size() == 0) return;
  const std::unique_lock lock(mutex_);
  std::erase_if(nodes_, [number](const Node& node) { return node.rule.number <= number; });
  Link();
}

// In the sorted order all prefixes of a prefix stand before it, each a parent of the next.
void PrefixTable::Link() {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    bytes += nodes_[i].rule.prefix.size();
    std::size_t parent = i == 0 ? kNone : i - 1;
    while (parent != kNone && !nodes_[i].rule.prefix.starts_with(nodes_[parent].rule.prefix)) {
      parent = nodes_[parent].parent;
    }
    nodes_[i].parent = parent;
  }
  prefix_bytes_.store(bytes, std::memory_order_relaxed);
  size_.store(nodes_.size(), std::memory_order_release);
}

// The longest prefix of `key`: the last rule not behind it, or one of that rule's parents, because
// whatever stands between a prefix of `key` and `key` begins with that prefix.
std::size_t PrefixTable::Find(std::string_view key) const {
  const auto before = [](std::string_view text, const Node& node) {
    return text < node.rule.prefix;
  };
  const auto after = std::upper_bound(nodes_.begin(), nodes_.end(), key, before);
  if (after == nodes_.begin()) return kNone;
  auto index = static_cast<std::size_t>(after - nodes_.begin()) - 1;
  while (index != kNone && !key.starts_with(nodes_[index].rule.prefix))
    index = nodes_[index].parent;
  return index;
}

std::uint64_t PrefixTable::NumberFor(std::string_view key) const {
  if (size() == 0) return 0;
  const std::shared_lock lock(mutex_);
  const std::size_t index = Find(key);
  return index == kNone ? 0 : nodes_[index].rule.number;
}

std::optional<PrefixRule> PrefixTable::RuleFor(std::string_view key) const {
  const std::shared_lock lock(mutex_);
  const std::size_t index = Find(key);
  if (index == kNone) return std::nullopt;
  return nodes_[index].rule;
}

std::uint64_t PrefixTable::OldestEighth() const {
  std::vector<std::uint64_t> numbers;
  for (const PrefixRule& rule : Rules()) numbers.push_back(rule.number);
  if (numbers.empty()) return 0;
  const auto last = numbers.begin() + static_cast<std::ptrdiff_t>((numbers.size() - 1) / 8);
  std::nth_element(numbers.begin(), last, numbers.end());
  return *last;
}

std::vector<PrefixRule> PrefixTable::Rules() const {
  const std::shared_lock lock(mutex_);
  std::vector<PrefixRule> rules;
  rules.reserve(nodes_.size());
  for (const Node& node : nodes_) rules.push_back(node.rule);
  return rules;
}

}  // namespace larder
