#include "slice_choice.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace larder {

namespace {

std::uint64_t SweptBy(std::uint64_t clock, const StoreFile& file) {
  return file.notes.swept <= clock ? file.notes.swept : 0;
}

}  // namespace

std::uint64_t LastSwept(const std::vector<StoreFile>& files, std::uint64_t clock) {
  std::optional<std::uint64_t> last;
  for (const StoreFile& file : files) {
    if (file.level != Store::kLastLevel) continue;
    const std::uint64_t swept = SweptBy(clock, file);
    last = std::min(last.value_or(swept), swept);
  }
  return last.value_or(0);
}

int LevelUnder(int level, const std::vector<StoreFile>& files) {
  int under = Store::kLastLevel;
  for (const StoreFile& file : files) {
    if (file.level > level) under = std::min(under, file.level);
  }
  return under;
}

std::vector<StoreFile> WithOverlapping(std::vector<StoreFile> chosen, int level,
                                       const std::vector<StoreFile>& files) {
  if (chosen.empty()) return chosen;
  std::string smallest = chosen[0].smallest;
  std::string largest = chosen[0].largest;
  const auto widen = [&](const StoreFile& file) {
    smallest = std::min(smallest, file.smallest);
    largest = std::max(largest, file.largest);
  };
  for (const StoreFile& file : chosen) widen(file);
  for (int under = chosen[0].level + 1; under <= level; ++under) {
    std::vector<StoreFile> overlapping;
    std::copy_if(files.begin(), files.end(), std::back_inserter(overlapping), [&](const auto& f) {
      return f.level == under && f.smallest <= largest && smallest <= f.largest;
    });
    for (StoreFile& file : overlapping) {
      widen(file);
      chosen.push_back(std::move(file));
    }
  }
  return chosen;
}

std::vector<StoreFile> ChooseSlice(const std::vector<StoreFile>& files, const SliceLimits& limits) {
  std::vector<const StoreFile*> last;  // in the order of keys
  for (const StoreFile& file : files) {
    if (file.level == Store::kLastLevel) last.push_back(&file);
  }
  std::sort(last.begin(), last.end(),
            [](const auto* a, const auto* b) { return a->smallest < b->smallest; });
  const auto order = [&limits](const StoreFile* file) {
    return std::pair(file->merging, SweptBy(limits.clock, *file));
  };
  const auto first = std::min_element(
      last.begin(), last.end(), [&](const auto* a, const auto* b) { return order(a) < order(b); });
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
