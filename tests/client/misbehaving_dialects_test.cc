// Upstreams that misbehave in the answer itself, for every endpoint in every form: what came is
// relayed as it came, nothing wrong is kept, and it is counted why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "caching_fixture.h"
#include "dialect.h"
#include "event_stream.h"
#include "misbehaving_upstream.h"
#include "recorded.h"

namespace larder::client {
namespace {

using larder::testing::Fate;
using larder::testing::GoodAnswer;
using larder::testing::LoadRecorded;
using larder::testing::Misbehaviour;
using larder::testing::Misbehaviours;
using larder::testing::RecordedExchange;
using nlohmann::json;
using std::chrono_literals::operator""ms;

// Answers that are asked for at one endpoint in one form.
struct Kind {
  const char* name;
  const char* provider;
  const char* endpoint;
  const char* file;  // of recordings; null = any HTTP
  const char* target;

  bool is_stream() const { return std::string_view(name).ends_with("Stream"); }
  bool is_http() const { return file == nullptr; }
};

constexpr Kind kKinds[] = {
    {"ChatJson", "openai", "openai.chat", "chat_completions.json", "/v1/chat/completions"},
    {"ChatStream", "openai", "openai.chat", "chat_completions.sse", "/v1/chat/completions"},
    {"CompletionsJson", "openai", "openai.completions", "completions.json", "/v1/completions"},
    {"CompletionsStream", "openai", "openai.completions", "completions.sse", "/v1/completions"},
    {"ResponsesJson", "openai", "openai.responses", "responses.json", "/v1/responses"},
    {"ResponsesStream", "openai", "openai.responses", "responses.sse", "/v1/responses"},
    {"EmbeddingsJson", "openai", "openai.embeddings", "embeddings.json", "/v1/embeddings"},
    {"MessagesJson", "claude", "anthropic.messages", "anthropic_messages.json", "/v1/messages"},
    {"MessagesStream", "claude", "anthropic.messages", "anthropic_messages.sse", "/v1/messages"},
    {"Http", "weather", "http.get", nullptr, "/weather"},
};

// What is wrong with the head or the status is wrong whatever is asked for: see
// misbehaving_upstream_test.cc.
std::vector<Misbehaviour> OfTheAnswer() {
  std::vector<Misbehaviour> some;
  std::copy_if(Misbehaviours().begin(), Misbehaviours().end(), std::back_inserter(some),
               [](const Misbehaviour& one) {
                 return one.fate != Fate::kRetried && one.fate != Fate::kError;
               });
  return some;
}

class MisbehavingDialectsTest
    : public CachingFixture,
      public ::testing::WithParamInterface<std::tuple<Kind, Misbehaviour>> {
 protected:
  MisbehavingDialectsTest() {
    FindGoodAnswer();
    // Misbehaves to the first two requests.
    Serve([this](UpstreamExchange& exchange) {
      if (exchange.number < 2) return how().serve(exchange, good_);
      exchange.Answer(200, good_.content_type, good_.body);
    });
    UseAllDialects();
    // Those that come later have all the time.
    patient_ = MakeStackWorker(kind().provider);
    if (EndsByALimit()) {
      config_.providers[kind().provider].timeouts.idle = 100ms;
      config_.providers[kind().provider].timeouts.total = 300ms;
    }
    stack_ = MakeStackWorker(kind().provider);
  }
  ~MisbehavingDialectsTest() override {
    stack_.reset();
    patient_.reset();
  }

  static const Kind& kind() { return std::get<0>(GetParam()); }
  static const Misbehaviour& how() { return std::get<1>(GetParam()); }
  static const Endpoint& endpoint() { return *FindEndpoint(kind().endpoint); }

  void FindGoodAnswer() {
    request_.target = kind().target;
    good_ = {.content_type = kind().is_stream() ? "text/event-stream" : "application/json",
             .body = R"({"temperature":21})"};
    if (kind().is_http()) {
      request_.method = "GET";
      return;
    }
    request_.headers = {{"content-type", "application/json"}, {"authorization", "Bearer one"}};
    for (const RecordedExchange& exchange : LoadRecorded(kind().file)) {
      const RequestPlan plan = endpoint().Plan(exchange.request_body);
      if (!plan.bypass.empty() || exchange.response_body.size() > 20'000) continue;
      request_.body = exchange.request_body;
      good_.body = exchange.response_body;
      if (JudgeGoodAnswer(plan).store) return;
    }
    FAIL() << "no recorded answer can be stored";
  }
  Verdict JudgeGoodAnswer(const RequestPlan& plan) const {
    if (!kind().is_stream()) return endpoint().JudgeJson(plan, {}, good_.body);
    return endpoint().JudgeStream(plan, {}, ParseEventStream(good_.body));
  }

  static bool EndsByALimit() {
    return how().name == "ChunksWithoutEnd" || how().name == "SilenceInBody" ||
           how().name == "DrippingBody";
  }
  // On the connection that misbehaved, where it may be used again.
  Answer AskAgain() { return EndsByALimit() ? patient_->Ask(request_) : stack_->Ask(request_); }

  // Whether what came is as good as any, though odd.
  static bool IsKept() {
    if (kind().is_http()) {
      // Nothing is known of what it should be; but without a length it may be cut.
      return how().fate != Fate::kCut && how().name != "Gzip" && how().name != "Http10EndedByClose";
    }
    return how().fate == Fate::kWhole;
  }
  // Why it is not.
  static std::string Reason() {
    if (how().name == "Gzip") return "content_type";
    if (how().name == "ErrorUnder200") return "error";
    if (how().name == "ErrorAmidst" && kind().is_stream()) return "error";
    if (how().name == "LengthTooSmall" && !kind().is_http()) return "invalid";  // within an event
    const bool is_cut = how().fate == Fate::kCut || kind().is_http();
    return is_cut || kind().is_stream() ? "no_end" : "invalid";
  }
  json AsJson(const std::string& body) const {
    if (!kind().is_stream()) return json::parse(body);
    const auto events = endpoint().Normalize(ParseEventStream(body));
    const Result<std::string> whole = endpoint().Assemble(events);
    return whole.ok() ? json::parse(*whole) : json();
  }

  Request request_;
  GoodAnswer good_;
  std::unique_ptr<Worker> stack_;
  std::unique_ptr<Worker> patient_;
};

TEST_P(MisbehavingDialectsTest, AnswerIsRelayedAsItCameAndKeptOnlyIfItIsWhole) {
  Request uncached = request_;
  uncached.directives.no_store = true;
  const Answer direct = stack_->Ask(uncached);
  const Answer first = stack_->Ask(request_);
  EXPECT_EQ(first.status.ok(), how().fate != Fate::kCut) << first.status.ToString();
  if (how().fate != Fate::kCut) {
    EXPECT_EQ(first.code, 200);
    EXPECT_EQ(first.body, direct.body);
  } else {
    EXPECT_NE(first.status.code(), StatusCode::kCancelled);
  }
  std::map<std::string, std::uint64_t> refusals = {{"no-store", 1}};
  if (IsKept()) {
    WaitForStores(1);
  } else {
    refusals[Reason()] = 1;
    WaitForRefusals(2);
    EXPECT_EQ(cache_->GetStats().stores, 0U);
  }
  EXPECT_EQ(refusals_->Counts(), refusals);
  const Answer second = AskAgain();
  EXPECT_EQ(second.outcome.hit(), IsKept()) << second.cache;
  EXPECT_EQ(second.code, 200);
  if (IsKept() && kind().is_http()) {
    EXPECT_EQ(second.body, first.body);
  } else if (IsKept()) {
    EXPECT_EQ(AsJson(second.body), AsJson(good_.body));
  } else {
    EXPECT_EQ(second.body, good_.body) << "the upstream was asked again";
    WaitForStores(1);
    EXPECT_TRUE(AskAgain().outcome.hit());
  }
}

INSTANTIATE_TEST_SUITE_P(All, MisbehavingDialectsTest,
                         ::testing::Combine(::testing::ValuesIn(kKinds),
                                            ::testing::ValuesIn(OfTheAnswer())),
                         [](const auto& value) {
                           return std::string(std::get<0>(value.param).name) + "_" +
                                  std::get<1>(value.param).name;
                         });

}  // namespace
}  // namespace larder::client
