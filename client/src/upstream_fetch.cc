#include "upstream_fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cassette_notes.h"
#include "storable_answer.h"

namespace larder::client {
namespace {

struct Fetch {
  std::shared_ptr<const CachingCore> core;
  CacheQuery query;
  std::unique_ptr<ResponseLease> lease;
  FetchedAnswer answer;
  bool keep = true;  // the body is worth collecting
  // Shared with the flight, which has them for who comes late: a stream's body is there once.
  std::vector<SharedBytes> pieces = {};
  std::size_t bytes = 0;  // of them together
};

void Collect(Fetch& fetch, const SharedBytes& piece) {
  if (!fetch.keep) return;
  fetch.bytes += piece.size();
  if (fetch.bytes > fetch.core->limits.max_body_bytes) {
    fetch.keep = false;
    fetch.pieces = {};
    return;
  }
  fetch.pieces.push_back(piece);
}

std::string BodyOf(const Fetch& fetch) {
  std::string body;
  body.reserve(fetch.bytes);
  for (const SharedBytes& piece : fetch.pieces) body += piece.view();
  return body;
}

Status TooLarge(std::uint64_t limit) {
  return {StatusCode::kUnavailable,
          "the upstream's answer is over " + std::to_string(limit) + " bytes"};
}

// kCancelled would tell the followers to try again; what befell the upstream befalls them all.
void Fail(Fetch& fetch, const Status& status) {
  const bool cancelled = status.code() == StatusCode::kCancelled;
  fetch.lease->Fail(cancelled ? Status(StatusCode::kUnavailable, status.message()) : status);
}

// On the pool: parsing takes long, and the store may block. The followers have all pieces. An
// exception (of memory, or of a library on an answer nobody foresaw) costs this answer its place
// in the store, not the process its life.
void Finish(Fetch fetch) {
  std::optional<StorableAnswer> storable;
  try {
    fetch.answer.body = BodyOf(fetch);
    storable = MakeStorable(*fetch.core, fetch.query, std::move(fetch.answer));
  } catch (const std::exception&) {
    return fetch.lease->End();
  }
  const bool kept = storable->options.ttl != Duration(0);
  fetch.lease->Commit(storable->info, storable->body, storable->options);
  if (kept && fetch.core->cassette == CassetteMode::kRecord) {
    NoteRecording(*fetch.core->cache, fetch.query);
  }
}

boost::asio::awaitable<void> Run(Fetch fetch, Request request) {
  const auto begin = std::chrono::steady_clock::now();
  Result<Response> response = co_await fetch.core->upstream->Send(std::move(request));
  if (!response.ok()) co_return Fail(fetch, response.status());
  FlightHead& head = fetch.answer.head;
  head.kind = KindOf(response->head, *fetch.query.plan.endpoint);
  const bool negative = IsNegative(*fetch.core, response->head);
  head.status = response->head.status;
  head.headers = std::move(response->head.headers);
  fetch.answer.ends_by_close = response->head.ends_by_close;
  fetch.keep = negative || head.kind != AnswerKind::kOpaque;
  fetch.lease->AppendHead(head);
  const std::uint64_t limit = fetch.core->limits.max_flight_bytes;
  std::uint64_t received = 0;
  while (true) {
    Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok()) co_return Fail(fetch, piece.status());
    const bool end = piece->empty();
    received += piece->size();
    if (received > limit) co_return Fail(fetch, TooLarge(limit));
    Collect(fetch, *piece);
    fetch.lease->AppendBody(*std::move(piece));
    if (end) break;
  }
  if (!fetch.keep) {
    const bool too_large = fetch.answer.head.kind != AnswerKind::kOpaque;
    fetch.core->refusals->Add(WhyOpaque(fetch.answer.head.status, too_large));
    co_return fetch.lease->End();
  }
  fetch.answer.took = std::chrono::ceil<Duration>(std::chrono::steady_clock::now() - begin);
  boost::asio::thread_pool& pool = fetch.core->pool;
  boost::asio::post(pool, [fetch = std::move(fetch)]() mutable { Finish(std::move(fetch)); });
}

}  // namespace

void StartFetch(std::shared_ptr<const CachingCore> core, Request request, CacheQuery query,
                std::unique_ptr<ResponseLease> lease) {
  boost::asio::io_context& io = core->io;
  request.headers.Set("accept-encoding", "identity");  // what is stored is read by us
  request.repeatable = true;  // computed anew, it is the same answer or as good a one
  Fetch fetch;
  fetch.core = std::move(core);
  fetch.query = std::move(query);
  fetch.lease = std::move(lease);
  boost::asio::co_spawn(io, Run(std::move(fetch), std::move(request)), boost::asio::detached);
}

}  // namespace larder::client
