// LRU, FIFO and SIEVE: one queue each.
#include "item_list.h"
#include "simulated_cache.h"

namespace larder::hit_ratio {
namespace {

class QueueCache : public SimulatedCache {
 public:
  QueueCache(const std::vector<Item>& items, std::uint64_t capacity)
      : items_(items),
        capacity_(capacity),
        links_(items.size()),
        queue_(links_),
        there_(items.size()) {}

  bool Access(std::uint32_t item) final {
    if (there_[item]) {
      Hit(item);
      return true;
    }
    if (items_[item].bytes > capacity_) return false;
    while (used_ + items_[item].bytes > capacity_) {
      const std::uint32_t victim = Victim();
      queue_.Remove(victim);
      there_[victim] = false;
      used_ -= items_[victim].bytes;
    }
    queue_.PushNewest(item);
    there_[item] = true;
    used_ += items_[item].bytes;
    return false;
  }

 protected:
  virtual void Hit(std::uint32_t item) = 0;
  virtual std::uint32_t Victim() = 0;  // still in the queue

  const std::vector<Item>& items_;
  const std::uint64_t capacity_;
  std::vector<Links> links_;
  ItemList queue_;
  std::vector<bool> there_;
  std::uint64_t used_ = 0;
};

class Fifo final : public QueueCache {
  using QueueCache::QueueCache;
  void Hit(std::uint32_t /*item*/) override {}
  std::uint32_t Victim() override { return queue_.oldest(); }
};

class Lru final : public QueueCache {
  using QueueCache::QueueCache;
  void Hit(std::uint32_t item) override {
    queue_.Remove(item);
    queue_.PushNewest(item);
  }
  std::uint32_t Victim() override { return queue_.oldest(); }
};

// A hand goes from old to new and spares, once, what was hit since it last passed.
class Sieve final : public QueueCache {
 public:
  Sieve(const std::vector<Item>& items, std::uint64_t capacity)
      : QueueCache(items, capacity), visited_(items.size()) {}

 private:
  void Hit(std::uint32_t item) override { visited_[item] = true; }
  std::uint32_t Victim() override {
    std::uint32_t at = hand_ == kNoItem ? queue_.oldest() : hand_;
    while (visited_[at]) {
      visited_[at] = false;
      at = queue_.Newer(at);
      if (at == kNoItem) at = queue_.oldest();
    }
    hand_ = queue_.Newer(at);
    return at;
  }
  std::vector<bool> visited_;
  std::uint32_t hand_ = kNoItem;
};

}  // namespace

std::unique_ptr<SimulatedCache> MakeLru(const std::vector<Item>& items, std::uint64_t capacity) {
  return std::make_unique<Lru>(items, capacity);
}
std::unique_ptr<SimulatedCache> MakeFifo(const std::vector<Item>& items, std::uint64_t capacity) {
  return std::make_unique<Fifo>(items, capacity);
}
std::unique_ptr<SimulatedCache> MakeSieve(const std::vector<Item>& items, std::uint64_t capacity) {
  return std::make_unique<Sieve>(items, capacity);
}

}  // namespace larder::hit_ratio
