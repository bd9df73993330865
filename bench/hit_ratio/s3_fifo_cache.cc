// S3-FIFO (Yang et al., SOSP 2023): a small queue of a tenth for what is new, a main queue, and a
// ghost that remembers as many bytes as the main queue holds.
#include <algorithm>

#include "item_list.h"
#include "simulated_cache.h"

namespace larder::hit_ratio {
namespace {

class S3Fifo final : public SimulatedCache {
 public:
  S3Fifo(const std::vector<Item>& items, std::uint64_t capacity)
      : items_(items),
        capacity_(capacity),
        small_capacity_(capacity / 10),
        ghost_capacity_(capacity - capacity / 10),
        links_(items.size()),
        small_(links_),
        main_(links_),
        ghost_(links_),
        where_(items.size()),
        hits_(items.size()) {}

  bool Access(std::uint32_t item) override {
    if (where_[item] == kSmall || where_[item] == kMain) {
      hits_[item] = static_cast<std::uint8_t>(std::min(hits_[item] + 1, 3));
      return true;
    }
    if (items_[item].bytes > capacity_) return false;
    const bool remembered = where_[item] == kGhost;
    if (remembered) Forget(item);
    while (small_bytes_ + main_bytes_ + items_[item].bytes > capacity_) Evict();
    hits_[item] = 0;
    if (remembered) {
      ToMain(item);
    } else {
      small_.PushNewest(item);
      where_[item] = kSmall;
      small_bytes_ += items_[item].bytes;
    }
    return false;
  }

 private:
  enum Where : std::uint8_t { kNowhere, kSmall, kMain, kGhost };

  void ToMain(std::uint32_t item) {
    main_.PushNewest(item);
    where_[item] = kMain;
    main_bytes_ += items_[item].bytes;
  }
  void Forget(std::uint32_t item) {
    ghost_.Remove(item);
    where_[item] = kNowhere;
    ghost_bytes_ -= items_[item].bytes;
  }
  void Evict() {
    if (small_bytes_ > small_capacity_ || main_bytes_ == 0) {
      EvictFromSmall();
    } else {
      EvictFromMain();
    }
  }
  void EvictFromSmall() {
    const std::uint32_t item = small_.PopOldest();
    small_bytes_ -= items_[item].bytes;
    if (hits_[item] > 1) {
      hits_[item] = 0;
      ToMain(item);
      return;
    }
    ghost_.PushNewest(item);
    where_[item] = kGhost;
    ghost_bytes_ += items_[item].bytes;
    while (ghost_bytes_ > ghost_capacity_) Forget(ghost_.oldest());
  }
  void EvictFromMain() {
    while (true) {
      const std::uint32_t item = main_.PopOldest();
      if (hits_[item] == 0) {
        where_[item] = kNowhere;
        main_bytes_ -= items_[item].bytes;
        return;
      }
      --hits_[item];
      main_.PushNewest(item);
    }
  }

  const std::vector<Item>& items_;
  const std::uint64_t capacity_;
  const std::uint64_t small_capacity_;
  const std::uint64_t ghost_capacity_;
  std::vector<Links> links_;
  ItemList small_;
  ItemList main_;
  ItemList ghost_;
  std::vector<Where> where_;
  std::vector<std::uint8_t> hits_;
  std::uint64_t small_bytes_ = 0;
  std::uint64_t main_bytes_ = 0;
  std::uint64_t ghost_bytes_ = 0;
};

}  // namespace

std::unique_ptr<SimulatedCache> MakeS3Fifo(const std::vector<Item>& items, std::uint64_t capacity) {
  return std::make_unique<S3Fifo>(items, capacity);
}

}  // namespace larder::hit_ratio
