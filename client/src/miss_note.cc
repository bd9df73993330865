#include "miss_note.h"

#include <boost/asio/post.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "cache_query.h"
#include "coarse_traits.h"
#include "dialect.h"

namespace larder::client {
namespace {

// Of memory, beside the body: headers above all.
constexpr std::size_t kBytesOfNote = 4096;

std::string_view PathOf(const Request& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

void Note(const CachingCore& core, const Request& request, RecentMisses::Request miss) {
  const std::string scope = ScopeOf(core, request);
  // Hashes of one scope say nothing about those of another. The store's secret has a fixed length.
  const std::string secret = std::string(core.cache->StoreSecret()) + scope;
  RequestTraits traits = HeadTraitsOf(request, core.provider, secret);
  if (!request.directives.key) {
    const RequestPlan plan = core.dialect.Plan(request.method, miss.path, request.body);
    // Plain HTTP may hold anything, which is compared as a whole.
    if (plan.endpoint->is_plain_http()) {
      traits["body"] = HashTrait(request.body, secret);
    } else {
      AddCoarseBody(plan.canonical_body, secret, traits);
    }
  }
  miss.traits = EncodeTraits(traits);
  core.recent_misses->Add(scope, std::move(miss));
}

}  // namespace

void NoteMiss(std::shared_ptr<const CachingCore> core, const Request& request,
              const RequestKey& key, MissReason reason) {
  const std::string_view path = PathOf(request);
  if (core->recent_misses == nullptr || path.size() > RecentMisses::kMaxPathBytes) return;
  if (request.body.size() > RecentMisses::kMaxBodyBytes) return;
  std::shared_ptr<void> room =
      core->recent_misses->Reserve(request.body.size() + kBytesOfNote, core->cache->Now());
  if (room == nullptr) return;
  RecentMisses::Request miss{.key = ToHex(key),
                             .provider = core->provider.name,
                             .method = request.method,
                             .path = std::string(path),
                             .missed = core->cache->Now(),
                             .was_absent = reason == MissReason::kAbsent,
                             .traits = {}};
  auto copy = std::make_shared<const Request>(Request{.method = request.method,
                                                      .target = request.target,
                                                      .headers = request.headers,
                                                      .body = request.body,
                                                      .directives = request.directives,
                                                      .scope = request.scope});
  boost::asio::thread_pool& pool = core->pool;
  auto work = [core = std::move(core), room = std::move(room), copy, miss = std::move(miss)] {
    try {
      Note(*core, *copy, miss);
    } catch (const std::exception&) {  // of memory: one note less
    }
  };
  boost::asio::post(pool, std::move(work));
}

}  // namespace larder::client
