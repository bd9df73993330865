#include "batch_fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <exception>
#include <utility>

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
};

void HandOver(ResponseLease& lease, const Received& received) {
  lease.AppendHead(received.head);
  for (const SharedBytes& piece : received.pieces) lease.AppendBody(piece);
  lease.AppendBody(SharedBytes());
}

// The answers to each item alone; empty if that is not what the upstream answered.
std::vector<StorableAnswer> MakeItems(const BatchFetch& fetch, const Received& received) {
  std::string body;
  for (const SharedBytes& piece : received.pieces) body += piece.view();
  BatchAnswer split = SplitBatchAnswer(body, {fetch.items.begin(), fetch.items.end()});
  if (!split.problem.empty()) fetch.core->refusals->Add(split.problem);
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

// Parsing takes long.
void Finish(BatchFetch fetch, const Received& received, SpendingMeter meter) {
  std::vector<StorableAnswer> answers;
  const bool keep =
      received.head.kind == AnswerKind::kJson && received.size <= fetch.core->limits.max_body_bytes;
  if (!keep) {
    const bool too_large = received.head.kind == AnswerKind::kJson;
    fetch.core->refusals->Add(WhyOpaque(received.head.status, too_large));
  }
  try {
    if (keep) answers = MakeItems(fetch, received);
    if (!answers.empty()) meter.Count(ShareCost(fetch, received.took, answers));
  } catch (const std::exception&) {  // costs the answer its place in the store
    answers.clear();
  }
  for (std::size_t i = 0; i < fetch.leases.size(); ++i) {
    if (!answers.empty()) {
      fetch.leases[i]->Commit(answers[i].info, answers[i].body, answers[i].options);
      continue;
    }
    if (i > 0) HandOver(*fetch.leases[i], received);
    fetch.leases[i]->End();
  }
}

// kCancelled would tell the followers to try again; what befell the upstream befalls them all.
void Fail(const BatchFetch& fetch, const Status& status) {
  const bool cancelled = status.code() == StatusCode::kCancelled;
  for (const auto& lease : fetch.leases) {
    lease->Fail(cancelled ? Status(StatusCode::kUnavailable, status.message()) : status);
  }
}

boost::asio::awaitable<void> Run(BatchFetch fetch, Request request) {
  const auto begin = std::chrono::steady_clock::now();
  SpendingMeter meter(fetch.core, fetch.query.on_cost);
  Result<Response> response = co_await fetch.core->upstream->Send(std::move(request));
  meter.SeeHead(response);
  if (!response.ok()) co_return Fail(fetch, response.status());
  Received received;
  received.head.kind = KindOf(response->head, *fetch.query.plan.endpoint);
  received.head.status = response->head.status;
  received.head.headers = std::move(response->head.headers);
  while (true) {
    Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok()) co_return Fail(fetch, piece.status());
    if (piece->empty()) break;
    received.size += piece->size();
    if (received.size > fetch.core->limits.max_flight_bytes) {
      co_return Fail(fetch, {StatusCode::kUnavailable,
                             "the upstream's answer is over " +
                                 std::to_string(fetch.core->limits.max_flight_bytes) + " bytes"});
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
  co_await RunOnPoolOrHere(core->io, core->pool, std::move(finish), core->limits.lookup);
}

}  // namespace

void StartBatchFetch(BatchFetch fetch, Request request) {
  boost::asio::io_context& io = fetch.core->io;
  boost::asio::co_spawn(io, Run(std::move(fetch), std::move(request)), boost::asio::detached);
}

}  // namespace larder::client
