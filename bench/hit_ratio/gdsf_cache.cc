// GDSF (Cherkasova, 1998), exact: the entry with the least  L + frequency * cost / bytes  goes,
// and L rises to it. Needs an index of all entries and their order.
#include <set>
#include <utility>

#include "simulated_cache.h"

namespace larder::hit_ratio {
namespace {

class Gdsf final : public SimulatedCache {
 public:
  Gdsf(const std::vector<Item>& items, std::uint64_t capacity)
      : items_(items), capacity_(capacity), states_(items.size()) {}

  bool Access(std::uint32_t item) override {
    State& state = states_[item];
    const Item& facts = items_[item];
    const bool hit = state.frequency > 0;
    if (hit) {
      order_.erase({state.priority, item});
    } else {
      if (facts.bytes > capacity_) return false;
      while (used_ + facts.bytes > capacity_) EvictLeast();
      used_ += facts.bytes;
    }
    ++state.frequency;
    state.priority = inflation_ + state.frequency * facts.cost / static_cast<double>(facts.bytes);
    order_.emplace(state.priority, item);
    return hit;
  }

 private:
  struct State {
    double priority = 0;
    std::uint32_t frequency = 0;  // 0: not there
  };

  void EvictLeast() {
    const auto [priority, item] = *order_.begin();
    order_.erase(order_.begin());
    inflation_ = priority;
    states_[item].frequency = 0;
    used_ -= items_[item].bytes;
  }

  const std::vector<Item>& items_;
  const std::uint64_t capacity_;
  std::vector<State> states_;
  std::set<std::pair<double, std::uint32_t>> order_;
  double inflation_ = 0;
  std::uint64_t used_ = 0;
};

}  // namespace

std::unique_ptr<SimulatedCache> MakeGdsf(const std::vector<Item>& items, std::uint64_t capacity) {
  return std::make_unique<Gdsf>(items, capacity);
}

}  // namespace larder::hit_ratio
