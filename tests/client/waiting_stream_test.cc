// What a stream caller behind a JSON flight reads, where providers differ.
#include "waiting_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "caching_fixture.h"
#include "recorded.h"

namespace larder::client {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// Anthropic's SDKs go by an event's name, and pass over what has none.
class WaitingStreamTest : public CachingFixture {
 protected:
  WaitingStreamTest() {
    dialect_ = "anthropic";
    limits_.silence = Duration(1);
  }
  // What a stream caller behind a JSON flight reads when that has failed.
  std::string LateEvent() {
    Request request = ChatRequest();
    Request stream = ChatStreamRequest(false);
    request.target = stream.target = "/v1/messages";
    std::future<Answer> leader = Begin(request);
    asked_.Wait();
    auto follower = worker().Open(stream);
    EXPECT_EQ(follower->head().status, 200);
    go_.Open();
    std::string text;
    while (const auto piece = follower->Read()) text += *piece;
    leader.wait();
    return text;
  }
};

TEST_F(WaitingStreamTest, AnthropicsLateErrorIsAnEventOfThatName) {
  const std::vector<larder::testing::RecordedExchange> errors =
      larder::testing::LoadRecorded("errors");
  const auto recorded = std::find_if(errors.begin(), errors.end(), [](const auto& error) {
    return error.url.starts_with("https://api.anthropic.com") && error.status == 400;
  });
  ASSERT_NE(recorded, errors.end());
  Serve([this, body = recorded->response_body](UpstreamExchange& exchange) {
    asked_.Open();
    go_.Wait();
    exchange.Answer(400, "application/json", body);
  });
  EXPECT_THAT(LateEvent(), EndsWith("event: error\ndata: " + recorded->response_body + "\n\n"));
}

TEST_F(WaitingStreamTest, OurOwnLateErrorIsAnEventOfThatName) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    go_.Wait();
    exchange.Reset();
  });
  EXPECT_THAT(LateEvent(), HasSubstr("event: error\ndata: {\"error\":{\"message\":"));
}

}  // namespace
}  // namespace larder::client
