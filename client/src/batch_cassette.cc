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

// Larder-Key stands in for the whole body: items are told apart by their place in it.
std::string NameOfItem(const std::string& name, std::size_t index) {
  return name + "#" + std::to_string(index);
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
  if (alone.directives.key) alone.directives.key = NameOfItem(*alone.directives.key, index);
  return alone;
}

ItemKeys::ItemKeys(const CachingCore& core, const Request& request, const EmbeddingsBatch& batch)
    : request_(request),
      batch_(batch),
      stem_(StemOfRequest(request, core.provider, ScopeOf(core, request))) {}

RequestKey ItemKeys::Of(std::string_view item, std::size_t index) const {
  const std::optional<std::string>& name = request_.directives.key;
  return stem_.With(name ? NameOfItem(*name, index) : batch_.KeyBodyOf(item));
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

void NoteItem(const CachingCore& core, const RequestKey& key, const Request& alone,
              const EmbeddingsBatch& batch, std::string_view item) {
  NoteRecording(*core.cache, key, TraitsOfItem(core, alone, batch, item));
}

Result<std::string> NearestItem(const CachingCore& core, const Request& alone,
                                const EmbeddingsBatch& batch, std::string_view item) {
  return NearestRecording(*core.cache, TraitsOfItem(core, alone, batch, item));
}

}  // namespace larder::client
