#include "reclaim_choice.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "slice_choice.h"

namespace larder {
namespace {

// Files of L0 overlap, and what is in one may be needed against the one below: all of them.
std::vector<StoreFile> Top(const std::vector<StoreFile>& all) {
  std::vector<StoreFile> top;
  std::copy_if(all.begin(), all.end(), std::back_inserter(top),
               [](const StoreFile& file) { return file.level == 0; });
  return top;
}

bool IsMerging(const StoreFile& file) { return file.merging; }

}  // namespace

std::vector<ReclaimPiece> ChooseReclaims(const std::vector<StoreFile>& all,
                                         const std::vector<TableDeath>& tables) {
  std::vector<ReclaimPiece> pieces;
  for (const TableDeath& death : tables) {
    if (death.dead_share == 0 || death.dead_share < death.worth_it) continue;
    const int level = death.table->level;
    const ReclaimPiece piece{
        .table = death.table,
        .dead_share = death.dead_share,
        .files = level == 0 ? Top(all) : std::vector<StoreFile>{*death.table},
        .into_level = level == 0 || death.has_deletions ? LevelUnder(level, all) : level};
    const bool in_the_way = std::any_of(piece.files.begin(), piece.files.end(), IsMerging);
    if (!in_the_way) pieces.push_back(piece);
  }
  std::sort(pieces.begin(), pieces.end(), [](const ReclaimPiece& a, const ReclaimPiece& b) {
    return a.dead_bytes() > b.dead_bytes();
  });
  // One piece is all of L0, whichever of its files it is for.
  bool top = false;
  std::erase_if(pieces, [&top](const ReclaimPiece& piece) {
    return piece.table->level == 0 && std::exchange(top, true);
  });
  return pieces;
}

}  // namespace larder
