#include "upstream_fetch.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cassette_notes.h"
#include "handoff.h"
#include "io_gate.h"
#include "miss_note.h"
#include "spending.h"
#include "storable_answer.h"
#include "usage_request.h"

namespace larder::client {
namespace {

struct Fetch {
  std::shared_ptr<const CachingCore> core;
  CacheQuery query;
  std::unique_ptr<ResponseLease> lease;
  FetchedAnswer answer = {};
  bool keep = true;  // the body is worth collecting
  // Shared with the flight, which has them for who comes late: a stream's body is there once.
  std::vector<SharedBytes> pieces = {};
  std::size_t bytes = 0;                              // of them together
  std::optional<SpendingMeter> meter = std::nullopt;  // once it runs
  // Cancels it; emitted, on its io_context, only when all callers have left.
  std::shared_ptr<boost::asio::cancellation_signal> give_up = nullptr;
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

Status NoRoom() {
  return {StatusCode::kUnavailable, "answers under way take more memory than they may together"};
}

// kCancelled would tell the followers to try again; what befell the upstream befalls them all. But
// who came when all others had left does try again.
void Fail(Fetch& fetch, const Status& status) {
  const bool cancelled = status.code() == StatusCode::kCancelled && fetch.give_up == nullptr;
  fetch.lease->Fail(cancelled ? Status(StatusCode::kUnavailable, status.message()) : status);
}

// An answer that began and did not come to its end; but what all callers gave up nobody refused.
void FailCut(Fetch& fetch, const Status& status, std::string_view why) {
  const bool given_up = status.code() == StatusCode::kCancelled && fetch.give_up != nullptr;
  if (!given_up) fetch.core->refusals->Add(WhyUnread(fetch.answer.head.status, why));
  Fail(fetch, status);
}

// Parsing a large answer takes long. The followers have all pieces. An
// exception (of memory, or of a library on an answer nobody foresaw) costs this answer its place
// in the store, not the process its life.
void Finish(Fetch fetch) {
  std::optional<StorableAnswer> storable;
  try {
    fetch.answer.body = BodyOf(fetch);
    storable = MakeStorable(*fetch.core, fetch.query, std::move(fetch.answer));
    fetch.meter->Count(storable->spent);
  } catch (const std::exception&) {
    fetch.core->refusals->Add("too_complex");
    return fetch.lease->End();
  }
  const bool kept = storable->options.ttl != Duration(0);
  fetch.lease->Commit(storable->info, storable->body, storable->options);
  if (kept && fetch.core->cassette == CassetteMode::kRecord) {
    NoteRecording(*fetch.core->cache, fetch.query.key, fetch.query.traits);
  }
}

boost::asio::awaitable<void> Run(Fetch fetch, Request request) {
  const auto begin = std::chrono::steady_clock::now();
  fetch.meter.emplace(fetch.core, fetch.query.on_cost);
  Result<Response> response = co_await fetch.core->upstream->Send(std::move(request));
  fetch.meter->SeeHead(response);
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
    if (!piece.ok()) co_return FailCut(fetch, piece.status(), "no_end");
    const bool end = piece->empty();
    received += piece->size();
    if (received > limit) co_return FailCut(fetch, TooLarge(limit), "too_large");
    if (received > fetch.core->limits.uncounted_bytes && !end) {
      std::optional<SharedBytes> kept = fetch.core->flight_memory->Keep(*std::move(piece));
      if (!kept) co_return FailCut(fetch, NoRoom(), "flight-memory");
      piece = *std::move(kept);
    }
    Collect(fetch, *piece);
    fetch.lease->AppendBody(*std::move(piece));
    if (end) break;
  }
  if (!fetch.keep) {
    const bool opaque = fetch.answer.head.kind == AnswerKind::kOpaque;
    const char* why = opaque ? "content_type" : "too_large";
    fetch.core->refusals->Add(WhyUnread(fetch.answer.head.status, why));
    co_return fetch.lease->End();
  }
  fetch.answer.took = std::chrono::ceil<Duration>(std::chrono::steady_clock::now() - begin);
  const std::shared_ptr<const CachingCore> core = fetch.core;
  // Two changes of threads less; but a store that is behind may take its time with the value.
  const bool here = received <= core->limits.inline_bytes && !core->store_lags->load() &&
                    core->cassette != CassetteMode::kRecord;
  if (here) co_return Finish(std::move(fetch));
  auto finish = [fetch = std::move(fetch)]() mutable { Finish(std::move(fetch)); };
  // Recordings leave notes in the store, which are waited for.
  const bool records = core->cassette == CassetteMode::kRecord;
  boost::asio::thread_pool& pool = records ? core->store->pool() : core->pool;
  co_await RunOnPoolOrHere(core->io, pool, std::move(finish), core->limits.lookup);
}

void Start(Fetch fetch, Request request) {
  boost::asio::io_context& io = fetch.core->io;
  if (fetch.query.injects_usage) request.body = WithUsageAsked(request.body);
  request.headers.Set("accept-encoding", "identity");  // what is stored is read by us
  request.repeatable = true;  // computed anew, it is the same answer or as good a one
  const std::shared_ptr<boost::asio::cancellation_signal> give_up = fetch.give_up;
  auto run = Run(std::move(fetch), std::move(request));
  if (give_up == nullptr) return boost::asio::co_spawn(io, std::move(run), boost::asio::detached);
  // The handler keeps the signal as long as the fetch runs. A fetch that was given up between two
  // steps ends by an exception, and its lease with it.
  auto done = [give_up](const std::exception_ptr&) {};
  boost::asio::co_spawn(io, std::move(run),
                        boost::asio::bind_cancellation_slot(give_up->slot(), std::move(done)));
}

}  // namespace

void StartFetch(std::shared_ptr<const CachingCore> core, Request request, CacheQuery query,
                std::unique_ptr<ResponseLease> lease) {
  Fetch fetch{.core = std::move(core), .query = std::move(query), .lease = std::move(lease)};
  Start(std::move(fetch), std::move(request));
}

std::shared_ptr<const ResponseFlight> StartFollowedFetch(std::shared_ptr<const CachingCore> core,
                                                         Request request, CacheQuery query,
                                                         std::unique_ptr<ResponseLease> lease) {
  Fetch fetch{.core = std::move(core), .query = std::move(query), .lease = std::move(lease)};
  if (fetch.core->on_abort == OnAbort::kCancel) {
    fetch.give_up = std::make_shared<boost::asio::cancellation_signal>();
    fetch.lease->OnDeserted(
        [gate = IoGate::Of(fetch.core->io), weak = std::weak_ptr(fetch.give_up)] {
          gate->Post([weak] {
            const auto signal = weak.lock();  // gone with the fetch
            if (signal != nullptr) signal->emit(boost::asio::cancellation_type::terminal);
          });
        });
  }
  std::shared_ptr<const ResponseFlight> flight = fetch.lease->Follow();
  NoteMiss(fetch.core, request, fetch.query.key, flight->reason());
  Start(std::move(fetch), std::move(request));
  return flight;
}

}  // namespace larder::client
