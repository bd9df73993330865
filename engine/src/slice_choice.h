// SliceChoice: where the clock hand goes next: which tables are rewritten together.
#pragma once

#include <cstdint>
#include <vector>

#include "store.h"

namespace larder {

struct SliceLimits {
  std::uint64_t least_rows = 50;  // fewer say little about what is worth least
  std::uint64_t least_bytes = 0;
  std::uint64_t most_bytes = 0;  // unless a single table is larger
  std::uint64_t clock = 0;       // the access clock now
};

// When the rows of these tables in the last level were last judged: the earliest; 0 = never. What
// was judged later than `clock` was so by a clock that is lost: that counts as never.
std::uint64_t LastSwept(const std::vector<StoreFile>& files, std::uint64_t clock);

// The next level down that holds anything, else the last.
int LevelUnder(int level, const std::vector<StoreFile>& files);

// `chosen`, tables of one level, and all others that a merge of them into `level` reads: those that
// overlap them, on the way down there.
std::vector<StoreFile> WithOverlapping(std::vector<StoreFile> chosen, int level,
                                       const std::vector<StoreFile>& files);

// Of the tables in the last level: the one whose sweep is the longest ago, and the next ones in the
// order of keys until there is enough. Empty if there is none that is not being merged.
std::vector<StoreFile> ChooseSlice(const std::vector<StoreFile>& files, const SliceLimits& limits);

}  // namespace larder
