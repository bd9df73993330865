// Scan: walking through the entries of a cache in the order of their keys, page by page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "larder/entry.h"

namespace larder {

enum class ScanState { kAll, kFresh, kStale };

struct ScanOptions {
  // Only entries whose key begins with it; empty = all.
  std::string prefix = {};
  // Only entries that have this tag; empty = all.
  std::string tag = {};
  ScanState state = ScanState::kAll;
  // At most so many entries a page, 1 to 10,000.
  std::size_t limit = 1000;
  // Without: the entries' bodies are empty, which is cheaper; all else is there.
  bool bodies = false;
  // ScanPage::cursor of the page before; empty = from the start.
  std::string cursor = {};
};

struct ScanItem {
  std::string key;
  Entry entry;
  bool stale = false;
  std::uint64_t raw_bytes = 0;  // of the body, before compression
  // About how often it was hit, older hits counting less: what the eviction policy believes.
  std::uint64_t hits = 0;
};

struct ScanPage {
  std::vector<ScanItem> items;
  // Where the next page begins; empty = there is none. A page may be short, or empty, and yet not
  // be the last: a call reads a bounded number of rows, whatever they are.
  std::string cursor;
  // Rows read whose bytes are damaged. A Get of their key is a miss, and drops them.
  std::uint64_t corrupt = 0;
};

}  // namespace larder
