#include "cache_query.h"

#include <string_view>
#include <utility>

#include "larder/client/explain_key.h"

namespace larder::client {
namespace {

CacheQuery Bypass(std::string detail) {
  CacheQuery query;
  query.bypass = true;
  query.bypass_detail = std::move(detail);
  return query;
}

// Fields that change what the upstream answers, beyond what the key knows: a follower that never
// sent them must not get a 304 or a 206.
bool IsConditional(const Headers& headers) {
  for (const char* name : {"range", "if-match", "if-none-match", "if-modified-since",
                           "if-unmodified-since", "if-range"}) {
    if (headers.Has(name)) return true;
  }
  const std::string* coding = headers.Find("content-encoding");
  return coding != nullptr && !EqualsIgnoreCase(*coding, "identity");
}

}  // namespace

CacheQuery MakeCacheQuery(const CachingCore& core, const Request& request) {
  if (core.cache == nullptr) return Bypass("");
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  CacheQuery query;
  query.plan = core.dialect.Plan(request.method, path, request.body);
  // Not an endpoint of ours: passes through as if there were no cache, so no reason is named.
  if (query.plan.bypass == "unknown-endpoint") return Bypass("");
  if (!query.plan.bypass.empty()) return Bypass(query.plan.bypass);
  if (request.directives.no_store) return Bypass("no-store");
  if (IsConditional(request.headers)) return Bypass("conditional");
  const std::string scope =
      CredentialScope(request.headers, request.target, core.cache->StoreSecret());
  query.key = KeyOfRequest(request, core.provider, query.plan.canonical_body, scope);
  query.plan.canonical_body.clear();
  query.directives = request.directives;
  query.read.tags = request.directives.tags;
  query.read.max_age = request.directives.max_age;
  query.read.max_stale = request.directives.max_stale.value_or(Duration(0));
  if (request.directives.no_cache) query.read.newer_than = kRefresh;
  query.keep_response_headers = core.provider.keep_response_headers;
  return query;
}

}  // namespace larder::client
