// W-TinyLFU (Einziger et al., 2017): a window of a hundredth under LRU; what falls out of it
// enters the main cache, a segmented LRU, only if it was asked for more often than what would
// have to go. Frequencies are exact here (one counter a key, halved every ten times as many
// accesses as there are entries), so its sketch's errors are not held against it.
#include <algorithm>

#include "item_list.h"
#include "simulated_cache.h"

namespace larder::hit_ratio {
namespace {

class WTinyLfu final : public SimulatedCache {
 public:
  WTinyLfu(const std::vector<Item>& items, std::uint64_t capacity)
      : items_(items),
        capacity_(capacity),
        window_capacity_(capacity / 100),
        main_capacity_(capacity - capacity / 100),
        protected_capacity_((capacity - capacity / 100) / 5 * 4),
        links_(items.size()),
        queues_{ItemList(links_), ItemList(links_), ItemList(links_)},
        where_(items.size(), kOut),
        frequency_(items.size()) {}

  bool Access(std::uint32_t item) override {
    Count(item);
    switch (where_[item]) {
      case kOut: break;
      case kWindow: Move(item, kWindow); return true;
      case kProbation:
        Move(item, kProtected);
        while (bytes_[kProtected] > protected_capacity_) {
          Move(queues_[kProtected].oldest(), kProbation);
        }
        return true;
      case kProtected: Move(item, kProtected); return true;
    }
    if (items_[item].bytes > capacity_) return false;
    Enter(item, kWindow);
    while (bytes_[kWindow] > window_capacity_ && queues_[kWindow].oldest() != kNoItem) {
      Candidate(queues_[kWindow].oldest());
    }
    return false;
  }

 private:
  enum Where : std::uint8_t { kWindow, kProbation, kProtected, kOut };

  void Count(std::uint32_t item) {
    frequency_[item] = static_cast<std::uint8_t>(std::min(frequency_[item] + 1, 15));
    if (++counted_ < 10 * std::max<std::uint64_t>(entries_, 100)) return;
    for (std::uint8_t& frequency : frequency_) frequency /= 2;
    counted_ /= 2;
  }
  void Enter(std::uint32_t item, Where where) {
    queues_[where].PushNewest(item);
    where_[item] = where;
    bytes_[where] += items_[item].bytes;
    ++entries_;
  }
  void Leave(std::uint32_t item) {
    queues_[where_[item]].Remove(item);
    bytes_[where_[item]] -= items_[item].bytes;
    where_[item] = kOut;
    --entries_;
  }
  void Move(std::uint32_t item, Where where) {
    Leave(item);
    Enter(item, where);
  }
  std::uint32_t Victim() const {
    const std::uint32_t item = queues_[kProbation].oldest();
    return item != kNoItem ? item : queues_[kProtected].oldest();
  }
  // `item` leaves the window, for the main cache or for good.
  void Candidate(std::uint32_t item) {
    Leave(item);
    if (items_[item].bytes > main_capacity_) return;
    while (bytes_[kProbation] + bytes_[kProtected] + items_[item].bytes > main_capacity_) {
      const std::uint32_t victim = Victim();
      if (frequency_[item] <= frequency_[victim]) return;
      Leave(victim);
    }
    Enter(item, kProbation);
  }

  const std::vector<Item>& items_;
  const std::uint64_t capacity_;
  const std::uint64_t window_capacity_;
  const std::uint64_t main_capacity_;
  const std::uint64_t protected_capacity_;
  std::vector<Links> links_;
  ItemList queues_[3];
  std::uint64_t bytes_[3] = {0, 0, 0};
  std::vector<Where> where_;
  std::vector<std::uint8_t> frequency_;
  std::uint64_t counted_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace

std::unique_ptr<SimulatedCache> MakeWTinyLfu(const std::vector<Item>& items,
                                             std::uint64_t capacity) {
  return std::make_unique<WTinyLfu>(items, capacity);
}

}  // namespace larder::hit_ratio
