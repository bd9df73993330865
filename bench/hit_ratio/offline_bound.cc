#include "offline_bound.h"

#include <algorithm>
#include <vector>

#include "item_list.h"

namespace larder::hit_ratio {

double OfflineBound(const Trace& trace, std::uint64_t capacity) {
  struct Interval {
    double room;  // bytes * accesses
    double cost;
  };
  std::vector<Interval> intervals;
  std::vector<std::uint32_t> previous(trace.items.size(), kNoItem);
  for (std::uint32_t now = 0; now < trace.accesses.size(); ++now) {
    const std::uint32_t item = trace.accesses[now];
    const Item& facts = trace.items[item];
    if (previous[item] != kNoItem && facts.bytes <= capacity) {
      intervals.push_back({static_cast<double>(facts.bytes) * (now - previous[item]), facts.cost});
    }
    previous[item] = now;
  }
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.cost * b.room > b.cost * a.room; });
  double room = static_cast<double>(capacity) * static_cast<double>(trace.accesses.size());
  double saved = 0;
  for (const Interval& interval : intervals) {
    const double share = std::min(1.0, room / interval.room);
    saved += share * interval.cost;
    room -= share * interval.room;
    if (room <= 0) break;
  }
  return saved;
}

}  // namespace larder::hit_ratio
