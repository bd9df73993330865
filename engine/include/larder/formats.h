// Formats: in which versions the files of a cache's directory are written.
//
// For tools that look at a directory before they open it: opening what a later version has written
// takes it for damaged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "larder/result.h"

namespace larder {

struct FileFormat {
  std::string file;           // within the directory: "state", "invalidations", "dict/2f.dict"
  std::uint64_t version = 0;  // 0: it does not begin as such a file does
  std::uint64_t newest = 0;   // that this build reads; it reads all before, too
};

// Of the files that are there, in this order: state, invalidations, dictionaries. Looks at their
// beginnings only, locks nothing and changes nothing; the cache may be open. Errors: kUnavailable
// (a file cannot be read).
Result<std::vector<FileFormat>> ReadFormats(const std::string& directory);

}  // namespace larder
