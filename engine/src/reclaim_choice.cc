#include "reclaim_choice.h"

#include <algorithm>
#include <utility>

namespace larder {
namespace {

// Files of L0 overlap, and what is in one may be needed against the one below: all of them, into
// the next level that holds anything.
ReclaimPiece WithAllOfTop(ReclaimPiece piece, const std::vector<StoreFile>& all) {
  piece.into_level = Store::kLastLevel;
  for (const StoreFile& file : all) {
    if (file.level == 0) piece.files.push_back(file);
    if (file.level > 0) piece.into_level = std::min(piece.into_level, file.level);
  }
  return piece;
}

bool IsMerging(const StoreFile& file) { return file.merging; }

}  // namespace

std::vector<ReclaimPiece> ChooseReclaims(const std::vector<StoreFile>& all,
                                         const std::vector<TableDeath>& tables) {
  std::vector<ReclaimPiece> pieces;
  for (const TableDeath& death : tables) {
    if (death.dead_share == 0 || death.dead_share < death.worth_it) continue;
    ReclaimPiece piece{.table = death.table, .dead_share = death.dead_share, .files = {}};
    if (death.table->level == 0) {
      piece = WithAllOfTop(std::move(piece), all);
    } else {
      piece.files = {*death.table};
      piece.into_level = death.table->level;
    }
    const bool in_the_way = std::any_of(piece.files.begin(), piece.files.end(), IsMerging);
    if (!in_the_way) pieces.push_back(std::move(piece));
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
