#include "slice_choice.h"

#include <algorithm>
#include <tuple>

namespace larder {

std::vector<StoreFile> ChooseSlice(const std::vector<StoreFile>& files, const SliceLimits& limits) {
  std::vector<const StoreFile*> last;  // in the order of keys
  for (const StoreFile& file : files) {
    if (file.level == Store::kLastLevel) last.push_back(&file);
  }
  std::sort(last.begin(), last.end(),
            [](const auto* a, const auto* b) { return a->smallest < b->smallest; });
  const auto first = std::min_element(last.begin(), last.end(), [](const auto* a, const auto* b) {
    return std::tie(a->merging, a->notes.swept) < std::tie(b->merging, b->notes.swept);
  });
  std::vector<StoreFile> slice;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  for (auto next = first; next != last.end() && !(*next)->merging; ++next) {
    const StoreFile& file = **next;
    const bool enough = rows >= limits.least_rows && bytes >= limits.least_bytes;
    if (!slice.empty() && (enough || bytes + file.bytes > limits.most_bytes)) break;
    slice.push_back(file);
    rows += file.rows;
    bytes += file.bytes;
  }
  return slice;
}

}  // namespace larder
