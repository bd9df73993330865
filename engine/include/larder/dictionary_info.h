// What can be known of a cache's dictionaries: what its entries have in common, kept once, so that
// each compresses as a part of something long (docs/internals.md).
#pragma once

#include <cstdint>

namespace larder {

struct DictionaryInfo {
  std::uint64_t id = 0;     // as records name it; also the name of its file, in hex
  std::uint64_t bytes = 0;  // of the dictionary
  bool writing = false;     // what is stored now is compressed with it
  std::uint64_t files = 0;  // tables of the store that need it
};

// Of training. Sizes are of the samples that it was not trained on.
struct DictionaryTraining {
  bool adopted = false;             // it makes them at least 5 % smaller
  std::uint64_t samples = 0;        // looked at in all
  std::uint64_t raw_bytes = 0;      // uncompressed
  std::uint64_t current_bytes = 0;  // as things are stored now
  std::uint64_t trained_bytes = 0;  // with the new dictionary
};

}  // namespace larder
