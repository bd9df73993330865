// An entry on its way to the store, inside CacheCore.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache_core.h"
#include "hot_tier.h"

namespace larder {

// Made, body compressed, before any lock is taken; encoded under the lock, when its number is sure.
struct CacheCore::Draft {
  Draft(std::string_view key_bytes, std::shared_ptr<EntryData> data, Codec& compressor)
      : key(key_bytes), hash(HotTier::HashKey(key_bytes)), entry(std::move(data)) {
    payload = compressor.Compress(entry->body, scratch);
  }
  Draft(Draft&&) = delete;  // payload may point into scratch

  // Of the row, at most.
  std::size_t MostBytes() const {
    constexpr std::size_t kMostFields = 128;
    return key.size() + payload.bytes.size() + entry->metadata.size() + entry->tags.size() +
           kMostFields;
  }

  const std::string_view key;
  const std::uint64_t hash;
  const std::shared_ptr<EntryData> entry;
  std::string scratch;
  Payload payload;
  std::optional<Popularity> replaced;  // of the row that stands at the key, if there is one
  RowBytes record;
};

}  // namespace larder
