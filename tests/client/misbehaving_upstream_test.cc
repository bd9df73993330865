// The whole stack before every kind of misbehaving upstream, in both forms.
#include "misbehaving_upstream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using larder::testing::Fate;
using larder::testing::GoodAnswer;
using larder::testing::Misbehaviour;
using larder::testing::Misbehaviours;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class MisbehavingStackTest : public CachingFixture,
                             public ::testing::WithParamInterface<std::tuple<Misbehaviour, bool>> {
 protected:
  MisbehavingStackTest() {
    good_ = streams() ? GoodAnswer{"text/event-stream", Join(ChatEvents(true))}
                      : GoodAnswer{"application/json", ChatJson()};
    // Misbehaves at the first request only.
    Serve([this](UpstreamExchange& exchange) {
      if (exchange.number == 0) return std::get<0>(GetParam()).serve(exchange, good_);
      AnswerChat(exchange);
    });
    ProviderConfig& provider = config_.providers["openai"];
    provider.base_url = upstream_->base_url();
    provider.timeouts.first_byte = 200ms;
    provider.timeouts.idle = 200ms;
    provider.timeouts.total = 1s;
    provider.retry.base_delay = 1ms;
    stack_ = MakeStackWorker();
  }
  bool streams() const { return std::get<1>(GetParam()); }
  Request Ask() const { return streams() ? ChatStreamRequest(true) : ChatRequest(); }

  GoodAnswer good_;
  std::unique_ptr<Worker> stack_;
};

void ExpectFate(Fate fate, const Answer& answer, const GoodAnswer& good) {
  switch (fate) {
    case Fate::kWhole:
    case Fate::kRetried:
      EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
      EXPECT_EQ(answer.code, 200);
      EXPECT_EQ(answer.body, good.body);
      break;
    case Fate::kUnstored:
      EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
      EXPECT_EQ(answer.code, 200);
      break;
    case Fate::kError:
      EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
      EXPECT_GE(answer.code, 400);
      EXPECT_THAT(answer.body, ::testing::HasSubstr("error"));
      break;
    case Fate::kCut:
      EXPECT_FALSE(answer.status.ok()) << "a cut answer that looks whole: " << answer.body;
      EXPECT_NE(answer.status.code(), StatusCode::kCancelled);
      break;
  }
}

TEST_P(MisbehavingStackTest, CallIsNotLostAndNothingWrongIsKept) {
  const Fate fate = std::get<0>(GetParam()).fate;
  const Answer first = stack_->Ask(Ask());
  ExpectFate(fate, first, good_);
  EXPECT_EQ(upstream_->requests(), fate == Fate::kRetried ? 2 : 1);
  // What was good is there; what was not has left no trace, on the connection neither.
  const bool kept = fate == Fate::kWhole || fate == Fate::kRetried;
  if (kept && streams()) WaitForStores(1);
  const Answer second = stack_->Ask(Ask());
  EXPECT_EQ(second.outcome.hit(), kept) << second.cache;
  EXPECT_EQ(second.code, 200);
  EXPECT_EQ(WithoutPadding(second.body), WithoutPadding(good_.body));
  const Answer other = stack_->Ask(ChatRequest("another"));
  EXPECT_EQ(other.body, ChatJson());
}

INSTANTIATE_TEST_SUITE_P(All, MisbehavingStackTest,
                         ::testing::Combine(::testing::ValuesIn(Misbehaviours()),
                                            ::testing::Bool()),
                         [](const auto& value) {
                           return std::get<0>(value.param).name +
                                  (std::get<1>(value.param) ? "Stream" : "Json");
                         });

}  // namespace
}  // namespace larder::client
