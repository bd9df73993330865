#include "hit_replay.h"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "body_pieces.h"
#include "handoff.h"

namespace larder::client {
namespace {

constexpr int kFirstError = 400;

using Pieces = Result<std::vector<SharedBytes>>;

ResponseHead MakeHead(const StoredResponse& info, const WantedForm& wanted,
                      const std::vector<SharedBytes>& pieces) {
  ResponseHead head;
  head.status = info.status;
  head.headers = info.headers;
  if (!IsStoredAs(info, wanted)) {
    head.headers.Set("content-type",
                     wanted.stream ? "text/event-stream; charset=utf-8" : "application/json");
  }
  constexpr int kNoContent = 204;  // which must not tell its length
  if (info.status == kNoContent) return head;
  if (wanted.stream && info.status < kFirstError) return head;
  std::size_t bytes = 0;
  for (const SharedBytes& piece : pieces) bytes += piece.size();
  head.headers.Set("content-length", std::to_string(bytes));
  return head;
}

Pieces Convert(const CachedResponse& response, const WantedForm& wanted) {
  try {
    return GiveBody(response, wanted);
  } catch (const std::exception&) {
    return Status(StatusCode::kDataLoss, "the answer could not be converted");
  }
}

// Secrets are read on the pool, too, from files that may hang.
constexpr Duration kLongest = std::chrono::seconds(10);

}  // namespace

bool IsBeingRevalidated(const CachedResponse& hit, const ReadOptions& read) {
  if (read.stale_window != StaleWindow::kWhileRevalidate) return false;
  return hit.stale && hit.ttl && -*hit.ttl < hit.stale_while_revalidate;
}

CacheOutcome HitOutcome(const CachedResponse& response, const RequestKey& key) {
  CacheOutcome outcome;
  outcome.ttl = response.ttl;
  outcome.age = response.age;
  outcome.key = ToHex(key);
  if (response.info.priced) outcome.saved_microusd = response.cost_microusd;
  outcome.saved_time = response.compute_time;
  if (response.info.usage) {
    outcome.saved_input_tokens = response.info.usage->input_tokens;
    outcome.saved_output_tokens = response.info.usage->output_tokens;
  }
  return outcome;
}

Duration PatienceFor(const CachingCore& core, std::size_t bytes) {
  const bool may_hang = &core.store->pool() == &core.pool;
  const bool small = bytes <= core.limits.inline_bytes;
  return small || may_hang ? core.limits.lookup : kLongest;
}

boost::asio::awaitable<Result<Response>> Replay(std::shared_ptr<const CachingCore> core,
                                                CachedResponse response, WantedForm wanted,
                                                CacheOutcome outcome) {
  std::optional<Pieces> pieces;
  if (IsStoredAs(response.info, wanted) ||
      response.body.size() <= core->limits.convert_inline_bytes) {
    pieces.emplace(GiveBody(response, wanted));
  } else {
    auto convert = [response, wanted] { return Convert(response, wanted); };
    const Duration patience = PatienceFor(*core, response.body.size());
    pieces = co_await GetFromPoolOrHere(core->io, core->pool, std::move(convert), patience);
    if (!pieces) co_return Status(StatusCode::kCancelled, "the caller gave up");
  }
  if (!pieces->ok()) co_return pieces->status();
  Response replay;
  replay.head = MakeHead(response.info, wanted, **pieces);
  replay.head.cache = std::move(outcome);
  replay.body = std::make_unique<BodyPieces>(*std::move(*pieces));
  co_return replay;
}

}  // namespace larder::client
