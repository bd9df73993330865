// ReclaimChoice: which tables to rewrite for what is dead in them, and in which order.
#pragma once

#include <string>
#include <vector>

#include "store.h"

namespace larder {

// A table, and what has to be rewritten with it.
struct ReclaimPiece {
  const StoreFile* table;  // of those chosen from
  double dead_share = 0;   // of its bytes
  std::vector<StoreFile> files;
  int into_level = 0;

  double dead_bytes() const { return dead_share * static_cast<double>(table->bytes); }
};

struct TableDeath {
  const StoreFile* table;
  double dead_share = 0;
  double worth_it = 0;  // from which share on it is
  // It has deletions, which win something only where they meet what they hide: further down.
  bool has_deletions = false;
};

// What wins most first; without what is being merged, as it may not be rewritten now.
std::vector<ReclaimPiece> ChooseReclaims(const std::vector<StoreFile>& all,
                                         const std::vector<TableDeath>& tables);

}  // namespace larder
