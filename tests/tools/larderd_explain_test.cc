// Larder-Explain: a miss says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]})";

TEST(LarderdExplainTest, MissSaysWhyAndAHitNothing) {
  FakeUpstream upstream(
      [](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); });
  GatewayFixture gateway(upstream.base_url());
  const auto why = [&](const client::Headers& more = {}, const char* explain = "1") {
    client::Headers headers = {{"larder-explain", explain}, {"larder-tags", "t"}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    const WireAnswer answer =
        Ask(gateway.url(), "POST", kChat, R"({"model":"m","messages":[]})", headers);
    EXPECT_LE(answer.status, 400);
    return answer.header("larder-explain");
  };
  EXPECT_EQ(why(), "never written, or reclaimed since");
  EXPECT_EQ(why(), "") << "a hit";
  ASSERT_TRUE(gateway.InvalidateTag("t"));
  EXPECT_EQ(why({}, "0"), "") << "nobody asked";
  ASSERT_TRUE(gateway.InvalidateTag("t"));
  EXPECT_THAT(why(), HasSubstr("tag \"t\" was invalidated"));
  EXPECT_THAT(why({{"cache-control", "no-cache"}}), HasSubstr("fresh"));
  EXPECT_EQ(why({}, "perhaps"), "") << "malformed: a 400";
}

}  // namespace
}  // namespace larder::testing
