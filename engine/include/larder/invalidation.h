// Invalidation: which entries are no longer to be served.
#pragma once

#include <string>
#include <vector>

namespace larder {

struct Invalidation {
  std::vector<std::string> tags = {};      // every entry that has any of these
  std::vector<std::string> prefixes = {};  // every entry whose key begins with any of these
  bool all = false;                        // every entry
  // Only ends their freshness: they are stale from now on, and served to readers that accept that,
  // until their hard expiry. Takes nothing back of an invalidation that is not soft.
  bool soft = false;
};

}  // namespace larder
