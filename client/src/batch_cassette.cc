#include "batch_cassette.h"

#include <cstdint>
#include <utility>
#include <variant>

#include "cassette_notes.h"
#include "embeddings.h"
#include "larder/client/explain_key.h"

namespace larder::client {
namespace {

std::string BytesOf(const RequestKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

RequestTraits TraitsOfItem(const CachingCore& core, const Request& alone,
                           const EmbeddingsBatch& batch, std::string_view item) {
  return TraitsOf(alone, core.provider, batch.KeyBodyOf(item), kCassetteScope);
}

}  // namespace

Request RequestForItem(const CachingCore& core, const Request& request, std::size_t index) {
  Request alone;
  alone.target = request.target;
  alone.headers = request.headers;
  alone.directives = request.directives;
  alone.scope = ScopeOf(core, request);
  // It stands in for the whole body: items are told apart by their place in it.
  if (alone.directives.key) *alone.directives.key += "#" + std::to_string(index);
  return alone;
}

RequestKey KeyOfItem(const CachingCore& core, const Request& alone, const EmbeddingsBatch& batch,
                     std::string_view item) {
  return KeyOfRequest(alone, core.provider, batch.KeyBodyOf(item), ScopeOf(core, alone));
}

bool KeepsWholeBatches(const CachingCore& core) {
  return core.cassette != CassetteMode::kNone || core.negative_ttl != Duration(0);
}

// That of the query may be an item's, where it is one text. A hash all of whose bits are inverted
// is as good a hash.
RequestKey KeyOfWhole(const CacheQuery& query) {
  RequestKey key = query.key;
  for (auto& byte : key) byte = static_cast<std::uint8_t>(~byte);
  return key;
}

std::unique_ptr<ResponseLease> AcquireWhole(const CachingCore& core, const CacheQuery& query) {
  ReadOptions read = query.read;
  read.newer_than = kRefresh;
  ResponseAcquired acquired = core.cache->Acquire(BytesOf(KeyOfWhole(query)), read, {});
  auto* lease = std::get_if<std::unique_ptr<ResponseLease>>(&acquired);
  return lease == nullptr ? nullptr : std::move(*lease);
}

std::optional<CachedResponse> FindWhole(const CachingCore& core, const CacheQuery& query) {
  ReadOptions read = query.read;
  read.max_stale = Duration(0);
  read.stale_window = StaleWindow::kNone;  // nobody would fetch its successor
  return core.cache->Get(BytesOf(KeyOfWhole(query)), read);
}

void NoteItem(const CachingCore& core, const Request& alone, const EmbeddingsBatch& batch,
              std::string_view item) {
  NoteRecording(*core.cache, KeyOfItem(core, alone, batch, item),
                TraitsOfItem(core, alone, batch, item));
}

Result<std::string> NearestItem(const CachingCore& core, const Request& alone,
                                const EmbeddingsBatch& batch, std::string_view item) {
  return NearestRecording(*core.cache, TraitsOfItem(core, alone, batch, item));
}

}  // namespace larder::client
