// A batch of embeddings in a cassette, and an error that is kept of one: items are stored each by
// itself, what is no answer to them (an error above all) as the answer to the batch.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/message.h"
#include "larder/client/request_key.h"
#include "response_cache.h"

namespace larder::client {

// The request for the item number `index` of the different ones of `request` alone, but for its
// body.
Request RequestForItem(const CachingCore& core, const Request& request, std::size_t index);

// The keys of those requests.
class ItemKeys {
 public:
  // All must outlive this.
  ItemKeys(const CachingCore& core, const Request& request, const EmbeddingsBatch& batch);
  RequestKey Of(std::string_view item, std::size_t index) const;

 private:
  const Request& request_;
  const EmbeddingsBatch& batch_;
  const KeyStem stem_;
};

// Whether answers to whole batches are kept, and under which key: none of an item's.
bool KeepsWholeBatches(const CachingCore& core);
RequestKey KeyOfWhole(const CacheQuery& query);

// All of these may block on the store.
// The duty to store the answer to the whole batch, taken before the upstream is asked, so that it
// is as old as what it stores; null: another has it.
std::unique_ptr<ResponseLease> AcquireWhole(const CachingCore& core, const CacheQuery& query);
std::optional<CachedResponse> FindWhole(const CachingCore& core, const CacheQuery& query);
// As NoteRecording and NearestRecording, of one item.
void NoteItem(const CachingCore& core, const RequestKey& key, const Request& alone,
              const EmbeddingsBatch& batch, std::string_view item);
Result<std::string> NearestItem(const CachingCore& core, const Request& alone,
                                const EmbeddingsBatch& batch, std::string_view item);

}  // namespace larder::client
