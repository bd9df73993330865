#include "cache_query.h"

#include <string_view>
#include <utility>

namespace larder::client {
namespace {

CacheQuery Bypass(std::string detail) {
  CacheQuery query;
  query.bypass = true;
  query.bypass_detail = std::move(detail);
  return query;
}

RequestKey MakeKey(const CachingCore& core, const Request& request, const RequestPlan& plan) {
  const std::string scope =
      CredentialScope(request.headers, request.target, core.cache->StoreSecret());
  const std::string target = WithoutCredentials(request.target);
  KeyInput input;
  input.name_space = request.directives.name_space;
  input.scope = scope;
  input.base_url = core.provider.base_url;
  input.target = target;
  input.sample = request.directives.sample;
  input.headers = &request.headers;
  input.key_headers = &core.provider.key_headers;
  input.canonical_body = plan.canonical_body;
  if (request.directives.key) {
    input.canonical_body = *request.directives.key;
    input.replaces_body = true;
  }
  return MakeRequestKey(input);
}

}  // namespace

CacheQuery MakeCacheQuery(const CachingCore& core, const Request& request) {
  if (core.cache == nullptr || request.method != "POST") return Bypass("");
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  CacheQuery query;
  query.plan = core.dialect.Plan(path, request.body);
  // Not an endpoint of ours: passes through as if there were no cache, so no reason is named.
  if (query.plan.bypass == "unknown-endpoint") return Bypass("");
  if (!query.plan.bypass.empty()) return Bypass(query.plan.bypass);
  if (request.directives.no_store) return Bypass("no-store");
  query.key = MakeKey(core, request, query.plan);
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
