#include "batch_fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "batch_cassette.h"
#include "cassette_notes.h"
#include "cost.h"
#include "embeddings.h"
#include "handoff.h"
#include "spending.h"
#include "storable_answer.h"

namespace larder::client {
namespace {

struct Received {
  FlightHead head;
  std::vector<SharedBytes> pieces;
  std::uint64_t size = 0;
  Duration took{0};
  bool ends_by_close = false;
  bool negative = false;  // an error that is kept

  std::string Body() const {
    std::string body;
    for (const SharedBytes& piece : pieces) body += piece.view();
    return body;
  }
};

void HandOver(ResponseLease& lease, const Received& received) {
  lease.AppendHead(received.head);
  for (const SharedBytes& piece : received.pieces) lease.AppendBody(piece);
  lease.AppendBody(SharedBytes());
}

// The answers to each item alone; empty if that is not what the upstream answered.
std::vector<StorableAnswer> MakeItems(const BatchFetch& fetch, const Received& received) {
  BatchAnswer split = SplitBatchAnswer(received.Body(), {fetch.items.begin(), fetch.items.end()});
  // A cassette judges it as a whole.
  const bool records = fetch.core->cassette == CassetteMode::kRecord;
  if (!split.problem.empty() && !records) fetch.core->refusals->Add(split.problem);
  std::vector<StorableAnswer> answers;
  for (std::size_t i = 0; i < split.items.size(); ++i) {
    CacheQuery query = fetch.query;
    auto alone = std::make_shared<EmbeddingsBatch>();
    alone->items = {fetch.items[i]};
    query.plan.batch = std::move(alone);
    answers.push_back(MakeStorable(
        *fetch.core, query, {received.head, false, std::move(split.items[i]), received.took}));
  }
  return answers;
}

// What they cost together, of which each bears its share by bytes: by itself most would be rounded
// to nothing.
Spent ShareCost(const BatchFetch& fetch, Duration took, std::vector<StorableAnswer>& answers) {
  StoredResponse whole;
  whole.model = answers.front().info.model;
  for (const StorableAnswer& answer : answers) {
    if (!answer.info.usage) continue;
    if (!whole.usage) whole.usage.emplace();
    *whole.usage += *answer.info.usage;
  }
  Spent spent = SpentOn(*fetch.core, fetch.query, whole, took);
  double bytes = 0;
  for (const std::string& item : fetch.items) bytes += static_cast<double>(item.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const double share = static_cast<double>(fetch.items[i].size()) / bytes;
    answers[i].options.cost_microusd = WholeMicrousd(spent.microusd * share);
    answers[i].info.priced = spent.priced;
  }
  return spent;
}

// What the upstream said to the batch as such, if that is kept.
std::optional<StorableAnswer> MakeWhole(const BatchFetch& fetch, const Received& received) {
  if (fetch.whole == nullptr) return std::nullopt;
  // What was said to a part of it is no answer to all of it, whereas an error is.
  const bool is_answer = received.head.kind == AnswerKind::kJson &&
                         fetch.items.size() == fetch.query.plan.batch->items.size();
  const bool records = is_answer && fetch.core->cassette == CassetteMode::kRecord;
  if (!records && !received.negative) return std::nullopt;
  StorableAnswer whole =
      MakeStorable(*fetch.core, fetch.query,
                   {received.head, received.ends_by_close, received.Body(), received.took});
  if (whole.options.ttl == Duration(0)) return std::nullopt;
  return whole;
}

void Commit(ResponseLease& lease, const StorableAnswer& answer) {
  lease.Commit(answer.info, answer.body, answer.options);
}

void NoteItems(const BatchFetch& fetch) {
  const EmbeddingsBatch& batch = *fetch.query.plan.batch;
  const ItemKeys keys(*fetch.core, *fetch.caller, batch);
  for (std::size_t i = 0; i < fetch.items.size(); ++i) {
    const std::string& item = fetch.items[i];
    const Request alone = RequestForItem(*fetch.core, *fetch.caller, fetch.numbers[i]);
    NoteItem(*fetch.core, keys.Of(item, fetch.numbers[i]), alone, batch, item);
  }
}

// Parsing takes long.
void Finish(BatchFetch fetch, const Received& received, SpendingMeter meter) {
  std::vector<StorableAnswer> answers;
  const bool fits = received.size <= fetch.core->limits.max_body_bytes;
  const bool keep = received.head.kind == AnswerKind::kJson && fits;
  if (!keep && !(received.negative && fits)) {
    const bool json = received.head.kind == AnswerKind::kJson;
    const char* why = json ? "too_large" : "content_type";
    fetch.core->refusals->Add(WhyUnread(received.head.status, why));
  }
  std::optional<StorableAnswer> whole;
  try {
    if (keep) answers = MakeItems(fetch, received);
    if (!answers.empty()) meter.Count(ShareCost(fetch, received.took, answers));
    if (answers.empty() && fits) whole = MakeWhole(fetch, received);
  } catch (const std::exception&) {  // costs the answer its place in the store
    fetch.core->refusals->Add("too_complex");
    answers.clear();
  }
  for (std::size_t i = 0; i < fetch.leases.size(); ++i) {
    ResponseLease& lease = *fetch.leases[i];
    if (!answers.empty()) {
      Commit(lease, answers[i]);
      continue;
    }
    if (i > 0) HandOver(lease, received);
    lease.End();
  }
  if (whole) Commit(*fetch.whole, *whole);
  if (fetch.core->cassette != CassetteMode::kRecord) return;
  if (whole) NoteRecording(*fetch.core->cache, KeyOfWhole(fetch.query), fetch.query.traits);
  if (!answers.empty()) NoteItems(fetch);
}

// kCancelled would tell the followers to try again; what befell the upstream befalls them all.
void Fail(const BatchFetch& fetch, const Status& status) {
  const bool cancelled = status.code() == StatusCode::kCancelled;
  for (const auto& lease : fetch.leases) {
    lease->Fail(cancelled ? Status(StatusCode::kUnavailable, status.message()) : status);
  }
}

// An answer that began and did not come to its end.
void FailCut(const BatchFetch& fetch, int status, const Status& failure, std::string_view why) {
  fetch.core->refusals->Add(WhyUnread(status, why));
  Fail(fetch, failure);
}

boost::asio::awaitable<void> Run(BatchFetch fetch, Request request) {
  const auto begin = std::chrono::steady_clock::now();
  SpendingMeter meter(fetch.core, fetch.query.on_cost);
  Result<Response> response = co_await fetch.core->upstream->Send(std::move(request));
  meter.SeeHead(response);
  if (!response.ok()) co_return Fail(fetch, response.status());
  Received received;
  received.negative = IsNegative(*fetch.core, response->head);
  received.ends_by_close = response->head.ends_by_close;
  received.head.kind = KindOf(response->head, *fetch.query.plan.endpoint);
  received.head.status = response->head.status;
  received.head.headers = std::move(response->head.headers);
  while (true) {
    Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok()) co_return FailCut(fetch, received.head.status, piece.status(), "no_end");
    if (piece->empty()) break;
    received.size += piece->size();
    if (received.size > fetch.core->limits.max_flight_bytes) {
      const Status too_large(StatusCode::kUnavailable,
                             "the upstream's answer is over " +
                                 std::to_string(fetch.core->limits.max_flight_bytes) + " bytes");
      co_return FailCut(fetch, received.head.status, too_large, "too_large");
    }
    received.pieces.push_back(*std::move(piece));
  }
  received.took = std::chrono::ceil<Duration>(std::chrono::steady_clock::now() - begin);
  HandOver(*fetch.leases.front(), received);
  const std::shared_ptr<const CachingCore> core = fetch.core;
  auto finish = [fetch = std::move(fetch), received = std::move(received),
                 meter = std::move(meter)]() mutable {
    Finish(std::move(fetch), received, std::move(meter));
  };
  // Recordings leave notes in the store, which are waited for.
  const bool records = core->cassette == CassetteMode::kRecord;
  boost::asio::thread_pool& pool = records ? core->store->pool() : core->pool;
  co_await RunOnPoolOrHere(core->io, pool, std::move(finish), core->limits.lookup);
}

}  // namespace

void StartBatchFetch(BatchFetch fetch, Request request) {
  boost::asio::io_context& io = fetch.core->io;
  boost::asio::co_spawn(io, Run(std::move(fetch), std::move(request)), boost::asio::detached);
}

}  // namespace larder::client
