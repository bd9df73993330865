// Codec: bodies <-> payloads. zstd, one frame a record, contexts from a pool.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"
#include "record.h"

namespace larder {

// Thread-safe. A zstd context grows to about 1.3 MiB, so there are at most twice as many kept as
// there are cores, and none is thread_local.
class Codec {
 public:
  // `level` 0 leaves bodies as they are. `dictionaries` must outlive the codec: for reading,
  // whatever a record names; for writing the newest, if `writes_with_dictionary`.
  Codec(int level, const DictionaryShelf& dictionaries, bool writes_with_dictionary);
  ~Codec();
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  // Of what is compressed from now on.
  void SetLevel(int level) { level_ = level; }
  int level() const { return level_.load(std::memory_order_relaxed); }

  // The payload for `body`: compressed into `scratch`, or `body` itself where that is no smaller.
  Payload Compress(std::string_view body, std::string& scratch);
  // What the contexts that are kept may take, going by the largest so far: one grows with the
  // level, and with what it compresses.
  std::uint64_t MostMemoryBytes() const;
  // Writes exactly view.raw_bytes to `out`. False: the payload is not what the record says, or its
  // dictionary is not there.
  bool Decompress(const RecordView& view, char* out);

 private:
  template <typename Context>
  class Pool;
  struct CompressContext;
  struct DecompressContext;

  std::atomic<int> level_;
  std::atomic<std::uint64_t> largest_context_{0};
  const DictionaryShelf& dictionaries_;
  const bool writes_with_dictionary_;
  std::unique_ptr<Pool<CompressContext>> compressors_;
  std::unique_ptr<Pool<DecompressContext>> decompressors_;
};

}  // namespace larder
