#include "metered_body.h"

#include <boost/asio/post.hpp>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event_ends.h"
#include "event_stream.h"
#include "gunzip.h"
#include "storable_answer.h"

namespace larder::client {
namespace {

// What came of the call so far, as much of it as its usage needs.
struct Metered {
  explicit Metered(PassingCall passing)
      : call(std::move(passing)), events(call.core->limits.metered_bytes) {}

  std::size_t most_bytes() const { return call.core->limits.metered_bytes; }
  // Of an event stream that can be read as it comes, its ends are kept; else all of it.
  bool ends_only() const { return kind == AnswerKind::kEvents && !zipped; }
  // Of what is to be read.
  std::size_t size() const { return ends_only() ? events.bytes() : bytes; }

  PassingCall call;
  AnswerKind kind = AnswerKind::kOpaque;
  bool zipped = false;
  EventEnds events;
  std::vector<SharedBytes> pieces = {};
  std::size_t bytes = 0;  // of the pieces
};

// What goes past the cache is not asked for as it is: most callers take gzip.
void SeeForm(ResponseHead head, Metered& answer) {
  if (answer.call.plan.endpoint == nullptr) return;
  answer.zipped = EqualsIgnoreCase(head.headers.Joined("content-encoding"), "gzip");
  if (answer.zipped) head.headers.Remove("content-encoding");
  answer.kind = KindOf(head, *answer.call.plan.endpoint);
}

// False: it is too much.
bool Keep(const SharedBytes& piece, Metered& answer) {
  if (answer.ends_only()) return answer.events.Add(piece.view());
  answer.bytes += piece.size();
  if (answer.bytes > answer.most_bytes()) return false;
  answer.pieces.push_back(piece);
  return true;
}

std::optional<std::string> TextOf(const Metered& answer) {
  std::string body;
  body.reserve(answer.bytes);
  for (const SharedBytes& piece : answer.pieces) body += piece.view();
  if (!answer.zipped) return body;
  // What is held for the whole call is bounded by the bytes that came, this is let go of at once.
  return Gunzip(body, answer.kind == AnswerKind::kEvents ? answer.call.core->limits.max_body_bytes
                                                         : answer.most_bytes());
}

std::optional<Verdict> Judge(Metered& answer) {
  const RequestPlan& plan = answer.call.plan;
  if (answer.ends_only()) return plan.endpoint->JudgeStream(plan, {}, answer.events.Take());
  const std::optional<std::string> text = TextOf(answer);
  if (!text) return std::nullopt;
  if (answer.kind == AnswerKind::kJson) return plan.endpoint->JudgeJson(plan, {}, *text);
  return plan.endpoint->JudgeStream(plan, {}, ParseEventStream(*text));
}

// By its usage, if the answer came to its end and has any; else the meter estimates.
void CountUsage(Metered& answer) {
  PassingCall& call = answer.call;
  const auto took = std::chrono::ceil<Duration>(std::chrono::steady_clock::now() - call.begin);
  const std::optional<Verdict> verdict = Judge(answer);
  if (!verdict) return;
  const std::optional<Usage> usage = WholeUsage(*verdict, answer.kind);
  if (!usage) return;
  CacheQuery query;
  query.plan.model = call.plan.model;
  StoredResponse told;
  told.model = verdict->model;
  told.usage = usage;
  call.meter.Count(SpentOn(*call.core, query, told, took));
}

void CountAway(Metered& answer) {
  try {
    CountUsage(answer);
  } catch (const std::exception&) {  // as in MeteredBody::Settle
  }
}

class MeteredBody final : public BodyReader {
 public:
  MeteredBody(std::unique_ptr<BodyReader> inner, std::unique_ptr<Metered> answer)
      : core_(answer->call.core),
        answer_(std::move(answer)),
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
    if (piece.ok() && Keep(*piece, *answer_)) return;
    keeps_ = false;
    answer_->pieces = {};
    answer_->events = EventEnds(0);
  }

  // To read what is large or zipped takes long, and the caller has its end already.
  void Settle() {
    if (!std::exchange(keeps_, false)) return;
    try {
      const bool at_once = !answer_->zipped && answer_->size() <= core_->limits.inline_bytes;
      if (at_once) return CountUsage(*answer_);
      boost::asio::post(core_->pool, [answer = std::move(answer_)] { CountAway(*answer); });
    } catch (const std::exception&) {  // of memory: then it is an estimate
    }
  }

  const std::shared_ptr<const CachingCore> core_;  // goes last: it keeps the upstream alive
  std::unique_ptr<Metered> answer_;
  const std::unique_ptr<BodyReader> inner_;
  bool keeps_;
};

}  // namespace

std::unique_ptr<BodyReader> MeterBody(PassingCall call, const ResponseHead& head,
                                      std::unique_ptr<BodyReader> body) {
  auto answer = std::make_unique<Metered>(std::move(call));
  SeeForm(head, *answer);
  return std::make_unique<MeteredBody>(std::move(body), std::move(answer));
}

}  // namespace larder::client
