// gateway.on_abort: what becomes of a request when its callers hang up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_upstream.h"
#include "gate.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kPath = "/v1/chat/completions";
constexpr const char* kBody =
    R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kJsonBody = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kFirst =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
constexpr const char* kRest =
    "data: "
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

class LarderdAbortTest : public ::testing::Test {
 protected:
  void Start(const std::string& on_abort) {
    gateway_ = std::make_unique<GatewayFixture>(
        upstream_.base_url(),
        std::map<std::string, std::string>{{"gateway", R"({"on_abort": ")" + on_abort + "\"}"}});
  }
  // A caller who has the first event.
  WireClient Join() {
    WireClient caller(gateway_->url());
    caller.SendRequest("POST", kPath, kBody, {{"content-type", "application/json"}});
    WireAnswer answer = caller.ReadHead();
    EXPECT_TRUE(caller.ReadUntil(answer, "\"a\"")) << answer.status;
    return caller;
  }

  Gate asked_;
  Gate rest_;
  Gate hung_up_;
  // The first stream waits in its middle, to be let go or left.
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) {
    if (silent_) {
      asked_.Open();
      exchange.WaitForHangUp();
      return hung_up_.Open();
    }
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(kFirst);
    if (exchange.number == 0 && cancels_) {
      exchange.WaitForHangUp();
      return hung_up_.Open();
    }
    if (exchange.number == 0) rest_.Wait();
    exchange.Chunk(kRest);
    exchange.EndChunks();
  }};
  bool cancels_ = false;
  bool silent_ = false;
  std::unique_ptr<GatewayFixture> gateway_;
};

TEST_F(LarderdAbortTest, RequestThatIsFinishedAllTheSameIsStored) {
  Start("finish");
  Join().Close();
  rest_.Open();
  ASSERT_TRUE(gateway_->WaitForCounter("stores", 1));
  const WireAnswer hit =
      Ask(gateway_->url(), "POST", kPath, kBody, {{"content-type", "application/json"}});
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit"));
  EXPECT_EQ(upstream_.requests(), 1);
}

TEST_F(LarderdAbortTest, RequestIsGivenUpWhenItsLastCallerHasLeftAndNotBefore) {
  cancels_ = true;
  Start("cancel");
  WireClient first = Join();
  WireClient second = Join();
  EXPECT_EQ(upstream_.requests(), 1) << "the second joined";
  first.Close();
  EXPECT_FALSE(hung_up_.Wait(std::chrono::milliseconds(50)));
  second.Close();
  EXPECT_TRUE(hung_up_.Wait());
  const WireAnswer next =
      Ask(gateway_->url(), "POST", kPath, kBody, {{"content-type", "application/json"}});
  EXPECT_EQ(next.status, 200);
  EXPECT_THAT(next.header("cache-status"), HasSubstr("fwd=miss"));
  EXPECT_THAT(next.body, HasSubstr("[DONE]"));
  EXPECT_EQ(upstream_.requests(), 2);
}

TEST_F(LarderdAbortTest, CallerWhoHasHeardNothingYetCanLeaveToo) {
  silent_ = true;
  Start("cancel");
  WireClient caller(gateway_->url());
  caller.SendRequest("POST", kPath, kJsonBody, {{"content-type", "application/json"}});
  ASSERT_TRUE(asked_.Wait());
  caller.Close();
  EXPECT_TRUE(hung_up_.Wait());
}

}  // namespace
}  // namespace larder::testing
