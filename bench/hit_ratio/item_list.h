// ItemList: a doubly linked list over the items of a trace; an item is in one list at most.
#pragma once

#include <cstdint>
#include <vector>

namespace larder::hit_ratio {

inline constexpr std::uint32_t kNoItem = UINT32_MAX;

struct Links {
  std::uint32_t newer = kNoItem;
  std::uint32_t older = kNoItem;
};

class ItemList {
 public:
  explicit ItemList(std::vector<Links>& links) : links_(links) {}

  std::uint32_t newest() const { return newest_; }
  std::uint32_t oldest() const { return oldest_; }
  std::uint32_t Newer(std::uint32_t item) const { return links_[item].newer; }

  void PushNewest(std::uint32_t item) {
    links_[item] = {.newer = kNoItem, .older = newest_};
    (newest_ == kNoItem ? oldest_ : links_[newest_].newer) = item;
    newest_ = item;
  }
  void Remove(std::uint32_t item) {
    const Links at = links_[item];
    (at.newer == kNoItem ? newest_ : links_[at.newer].older) = at.older;
    (at.older == kNoItem ? oldest_ : links_[at.older].newer) = at.newer;
  }
  std::uint32_t PopOldest() {
    const std::uint32_t item = oldest_;
    Remove(item);
    return item;
  }

 private:
  std::vector<Links>& links_;
  std::uint32_t newest_ = kNoItem;
  std::uint32_t oldest_ = kNoItem;
};

}  // namespace larder::hit_ratio
