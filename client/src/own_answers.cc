#include "own_answers.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ascii.h"
#include "body_pieces.h"
#include "event_stream.h"
#include "gunzip.h"
#include "json_slices.h"
#include "path_model.h"
#include "spending.h"
#include "storable_answer.h"

namespace larder::client {
namespace {

// An error answer of our own, which the caller's retries would not change.
Response OwnError(const CachingCore& core, int status, std::string_view message) {
  Response response;
  response.head.status = status;
  std::string body = core.dialect.ErrorBody(status, message);
  response.head.headers.Set("content-type", "application/json");
  response.head.headers.Set("content-length", std::to_string(body.size()));
  response.head.headers.Set("x-should-retry", "false");
  std::vector<SharedBytes> pieces;
  pieces.emplace_back(std::move(body));
  response.body = std::make_unique<BodyPieces>(std::move(pieces));
  return response;
}

// What is needed to read the usage of an answer that is not looked at otherwise.
struct Metered {
  std::shared_ptr<const CachingCore> core;
  RequestPlan plan;  // its endpoint and model only; without an endpoint nothing is known of it
  SpendingMeter meter;
  AnswerKind kind = AnswerKind::kOpaque;
  bool zipped = false;
  std::vector<SharedBytes> pieces = {};
  std::size_t bytes = 0;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

// Of plain HTTP no usage is known.
RequestPlan WhatIsAsked(const CachingCore& core, const Request& request) {
  RequestPlan plan;
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  const Endpoint* endpoint = core.dialect.FindEndpoint(request.method, path);
  if (endpoint == nullptr || endpoint->is_plain_http()) return plan;
  plan.endpoint = endpoint;
  plan.model = ModelInPath(path).name;  // which comes before that of the body, as in Dialect::Plan
  if (!plan.model.empty()) return plan;
  plan.model = ReadString(FindMemberText(request.body, "model")).value_or("");
  return plan;
}

// What goes past the cache is not asked for as it is: most callers take gzip.
void SeeForm(ResponseHead head, Metered& answer) {
  if (answer.plan.endpoint == nullptr) return;
  answer.zipped = EqualsIgnoreCase(head.headers.Joined("content-encoding"), "gzip");
  if (answer.zipped) head.headers.Remove("content-encoding");
  answer.kind = KindOf(head, *answer.plan.endpoint);
}

// By its usage, if the answer came to its end and has any; else the meter estimates.
void CountUsage(Metered& answer) {
  const auto took = std::chrono::ceil<Duration>(std::chrono::steady_clock::now() - answer.begin);
  std::string body;
  body.reserve(answer.bytes);
  for (const SharedBytes& piece : answer.pieces) body += piece.view();
  if (answer.zipped) {
    std::optional<std::string> text = Gunzip(body, answer.core->limits.max_body_bytes);
    if (!text) return;
    body = *std::move(text);
  }
  const Endpoint& endpoint = *answer.plan.endpoint;
  const Verdict verdict = answer.kind == AnswerKind::kEvents
                              ? endpoint.JudgeStream(answer.plan, {}, ParseEventStream(body))
                              : endpoint.JudgeJson(answer.plan, {}, body);
  if (verdict.reason == "no_end" || !verdict.usage) return;
  CacheQuery query;
  query.plan.model = answer.plan.model;
  StoredResponse told;
  told.model = verdict.model;
  told.usage = verdict.usage;
  answer.meter.Count(SpentOn(*answer.core, query, told, took));
}

void CountAway(Metered& answer) {
  try {
    CountUsage(answer);
  } catch (const std::exception&) {  // as in MeteredBody::Settle
  }
}

// Hands on what comes as it comes, and keeps it, so that what it cost can be told when it is over:
// by its usage where that can be read, else when it is gone, by its time.
class MeteredBody final : public BodyReader {
 public:
  MeteredBody(std::unique_ptr<BodyReader> inner, Metered answer)
      : core_(answer.core),
        answer_(std::make_unique<Metered>(std::move(answer))),
        inner_(std::move(inner)),
        keeps_(answer_->kind != AnswerKind::kOpaque) {}
  ~MeteredBody() override { Settle(); }

  boost::asio::awaitable<Result<SharedBytes>> Read() override {
    Result<SharedBytes> piece = co_await inner_->Read();
    if (keeps_) See(piece);
    co_return piece;
  }

 private:
  void See(const Result<SharedBytes>& piece) {
    if (piece.ok() && piece->empty()) return Settle();
    if (piece.ok()) answer_->bytes += piece->size();
    if (piece.ok() && answer_->bytes <= core_->limits.max_body_bytes) {
      answer_->pieces.push_back(*piece);
    } else {
      keeps_ = false;
      answer_->pieces = {};
    }
  }

  // Parsing a large answer takes long, and the caller has its end already.
  void Settle() {
    if (!std::exchange(keeps_, false)) return;
    try {
      if (answer_->bytes <= core_->limits.inline_bytes) return CountUsage(*answer_);
      boost::asio::post(core_->pool, [answer = std::move(answer_)] { CountAway(*answer); });
    } catch (const std::exception&) {  // of memory: then it is an estimate
    }
  }

  const std::shared_ptr<const CachingCore> core_;  // goes last: it keeps the upstream alive
  std::unique_ptr<Metered> answer_;
  const std::unique_ptr<BodyReader> inner_;
  bool keeps_;
};

constexpr int kServiceUnavailable = 503;
constexpr int kGatewayTimeout = 504;

}  // namespace

Response NotRecorded(const CachingCore& core, std::string_view why) {
  Response response = OwnError(core, kGatewayTimeout, "not recorded: " + std::string(why));
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "not-recorded";
  return response;
}

Response NotReplayed(const CachingCore& core, const std::optional<Result<std::string>>& nearest) {
  if (nearest && nearest->ok()) return NotRecorded(core, **nearest);
  const std::string why = nearest ? nearest->status().message() : "the store does not answer";
  Response response = OwnError(core, kServiceUnavailable, "the recordings cannot be read: " + why);
  response.head.headers.Remove("x-should-retry");
  response.head.headers.Set("retry-after", "1");
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "store-unavailable";
  return response;
}

Response NotCached(const CachingCore& core) {
  if (core.cassette == CassetteMode::kReplay) {
    return NotRecorded(core, "a replay asks no provider");
  }
  Response response = OwnError(core, kGatewayTimeout, "not cached, and only-if-cached was asked");
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "only-if-cached";
  return response;
}

boost::asio::awaitable<Result<Response>> PassThrough(std::shared_ptr<const CachingCore> core,
                                                     Request request, std::string detail) {
  if (core->cassette == CassetteMode::kReplay) {
    co_return NotRecorded(*core, detail.empty() ? "no endpoint that is recorded" : detail);
  }
  SpendingMeter::OnCost on_cost;
  if (request.method == "POST") on_cost = request.on_cost;
  Metered answer{.core = core,
                 .plan = WhatIsAsked(*core, request),
                 .meter = SpendingMeter(core, std::move(on_cost))};
  Result<Response> response = co_await core->upstream->Send(std::move(request));
  answer.meter.SeeHead(response);
  if (!response.ok()) co_return response.status();
  SeeForm(response->head, answer);
  response->body = std::make_unique<MeteredBody>(std::move(response->body), std::move(answer));
  response->head.cache.forward = Forward::kBypass;
  response->head.cache.detail = std::move(detail);
  co_return response;
}

boost::asio::awaitable<Result<Response>> PassUncached(std::shared_ptr<const CachingCore> core,
                                                      Request request, std::string detail) {
  core->refusals->Add(detail);
  return PassThrough(std::move(core), std::move(request), std::move(detail));
}

}  // namespace larder::client
