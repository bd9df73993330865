#include "cache_query.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "larder/client/credentials.h"
#include "larder/client/explain_key.h"
#include "larder/client/request_key.h"
#include "policy_bypass.h"

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

// As jitter of the engine's: a function of the key, and shorter only.
Duration Jittered(Duration ttl, double share, const RequestKey& key) {
  if (ttl == kForever) return ttl;
  const double part = static_cast<double>(key[0] << 8 | key[1]) / 65536;
  return Duration(
      static_cast<Duration::rep>(static_cast<double>(ttl.count()) * (1 - share * part)));
}

void ApplyPolicy(const CachingCore& core, const PolicyDecision& decision, CacheQuery& query) {
  std::vector<std::string>& tags = query.read.tags;
  tags.insert(tags.end(), decision.tags.begin(), decision.tags.end());
  if (decision.ttl) query.policy_ttl = Jittered(*decision.ttl, core.ttl_jitter, query.key);
  query.keep_stale_while_revalidate = decision.stale_while_revalidate;
  query.keep_stale_if_error = decision.stale_if_error;
  query.store_rules = decision.store;
}

CredentialPlaces PlacesOf(const CachingCore& core, const Request& request) {
  return {request.headers, request.target, core.provider.dialect};
}

// 0 where they are in the scope: then all who share hold the same.
std::uint64_t CredentialsOf(const CachingCore& core, const Request& request) {
  if (!request.scope) return 0;
  const std::string scope = CredentialScope(PlacesOf(core, request), core.cache->StoreSecret());
  return std::hash<std::string>()(scope) | 1;
}

// Whether the scope is that of one caller, so that nobody else gets what is stored under it; and
// whether that caller is known, so that it may be for that caller alone.
void SeeWhoAsks(const CachingCore& core, const Request& request, CacheQuery& query) {
  const bool cassette = core.cassette != CassetteMode::kNone;
  const bool shared = cassette || (request.scope && !IsCredentialScope(*request.scope));
  query.keyed_by_caller = !shared;
  query.is_personal = !shared && (request.scope || HasCredentials(PlacesOf(core, request)));
}

std::vector<std::string> TagsOf(const CachingCore& core, const Request& request,
                                std::string_view scope) {
  const Directives& directives = request.directives;
  std::vector<std::string> tags = directives.tags;
  if (!core.scoped_tags) return tags;
  for (const std::string& tag : directives.tags) {
    tags.push_back(ScopedTag(tag, scope, directives.name_space));
  }
  return tags;
}

// Nothing expires, nothing complete is refused, and what a caller asks of an ordinary cache would
// only make two runs differ. Tags stay: an invalidation that is acknowledged holds.
void AskCassette(const CachingCore& core, const Request& request, CacheQuery& query) {
  query.traits = TraitsOf(request, core.provider, query.plan.canonical_body, kCassetteScope);
  Directives plain;
  plain.name_space = request.directives.name_space;
  plain.sample = request.directives.sample;
  plain.key = request.directives.key;
  plain.explain = request.directives.explain;
  plain.no_cache = request.directives.no_cache && core.cassette == CassetteMode::kRecord;
  plain.ttl = kForever;
  query.directives = std::move(plain);
  query.store_rules = {.truncated = StoreTruncated::kAlways,
                       .content_filter = true,
                       .refusals = true,
                       .incomplete = true};
  query.read = ReadOptions{.tags = std::move(query.read.tags)};
  if (query.directives.no_cache) query.read.newer_than = kRefresh;
}

}  // namespace

std::string ScopeOf(const CachingCore& core, const Request& request) {
  if (core.cassette != CassetteMode::kNone) return kCassetteScope;
  if (request.scope) return *request.scope;
  return CredentialScope(PlacesOf(core, request), core.cache->StoreSecret());
}

CacheQuery MakeCacheQuery(const CachingCore& core, const Request& request) {
  if (core.cache == nullptr) return Bypass("");
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  CacheQuery query;
  query.plan = core.dialect.Plan(request.method, path, request.body);
  // Not an endpoint of ours: passes through as if there were no cache, so no reason is named.
  if (query.plan.bypass == "unknown-endpoint") return Bypass("");
  const bool cassette = core.cassette != CassetteMode::kNone;
  // What was too much to read, or cannot be read, is not cached whatever the policy says of it; and
  // the policy is not asked to read it.
  PolicyDecision decision;
  if (!IsUnread(query.plan)) {
    decision = core.policy.Decide({.provider = core.provider.name,
                                   .path = path,
                                   .model = query.plan.model,
                                   .headers = request.headers,
                                   .body = request.body});
  }
  if (cassette) decision.cache = decision.cache_stateful = true;
  std::string bypass = BypassOf(query.plan, decision);
  if (bypass.empty() && request.directives.no_store && !cassette) bypass = "no-store";
  if (bypass.empty() && IsConditional(request.headers)) bypass = "conditional";
  if (!bypass.empty()) {
    core.refusals->Add(bypass);
    return Bypass(std::move(bypass));
  }
  const std::string scope = ScopeOf(core, request);
  query.key = KeyOfRequest(request, core.provider, query.plan.canonical_body, scope);
  query.credentials = CredentialsOf(core, request);
  query.on_cost = request.on_cost;
  SeeWhoAsks(core, request, query);
  query.directives = request.directives;
  query.read.tags = TagsOf(core, request, scope);
  query.read.max_age = request.directives.max_age;
  query.read.max_stale = request.directives.max_stale.value_or(Duration(0));
  ApplyPolicy(core, decision, query);
  // Who says how stale an answer may be gets none that is staler.
  if (!request.directives.max_stale) query.read.stale_window = StaleWindow::kWhileRevalidate;
  if (request.directives.no_cache) query.read.newer_than = kRefresh;
  query.injects_usage = core.provider.inject_usage && query.plan.can_ask_usage;
  query.keep_response_headers = core.provider.keep_response_headers;
  if (cassette) AskCassette(core, request, query);
  query.plan.canonical_body.clear();
  return query;
}

}  // namespace larder::client
