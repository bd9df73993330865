// What a refused credential, its end and wrong clocks lead to.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>

#include "auth/authenticating_fixture.h"
#include "auth/jwt_claims.h"

namespace larder::client {
namespace {

using larder::testing::ClaimsOf;
using larder::testing::UpstreamExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class AuthenticatingRefreshTest : public larder::testing::AuthenticatingFixture {
 protected:
  // `count` calls at once; their statuses.
  std::vector<int> SendAtOnce(int count) {
    std::vector<int> statuses;
    for (int i = 0; i < count; ++i) {
      boost::asio::co_spawn(io_, KeepStatus(statuses), boost::asio::detached);
    }
    io_.restart();
    while (statuses.size() < static_cast<std::size_t>(count) && io_.run_one() > 0) continue;
    return statuses;
  }
  boost::asio::awaitable<void> KeepStatus(std::vector<int>& statuses) {
    Request request = MakeRequest();
    const Result<Response> response = co_await service().Send(std::move(request));
    statuses.push_back(response.ok() ? response->head.status : -1);
  }
};

TEST_F(AuthenticatingRefreshTest, RevokedTokenIsReplacedAndTheCallMadeOnceMore) {
  UseOAuth2();
  EXPECT_EQ(Send(), "200");
  EXPECT_EQ(Send(), "200");
  good_ = "Bearer t2";
  EXPECT_EQ(Send(), "200");
  EXPECT_EQ(token_bodies_.size(), 2u);
  EXPECT_THAT(Seen("authorization"),
              ElementsAre("Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"));
}

TEST_F(AuthenticatingRefreshTest, AllCallsWithARevokedTokenShareOneNewOne) {
  UseOAuth2();
  EXPECT_EQ(Send(), "200");
  good_ = "Bearer t2";
  EXPECT_EQ(SendAtOnce(8), std::vector<int>(8, 200));
  EXPECT_EQ(token_bodies_.size(), 2u);
}

TEST_F(AuthenticatingRefreshTest, A401ThatANewTokenDoesNotCureIsHandedOnAfterOneRetry) {
  UseOAuth2();
  good_ = "none";
  EXPECT_EQ(Send(), "401");
  EXPECT_EQ(seen_.size(), 2u);
  EXPECT_EQ(token_bodies_.size(), 2u);
}

TEST_F(AuthenticatingRefreshTest, NoOtherRefusalCostsAToken) {
  UseOAuth2();
  for (const int status : {400, 403, 429, 500}) {
    provider_answer_ = [status](UpstreamExchange& exchange) {
      exchange.Answer(status, "application/json", "{}");
    };
    EXPECT_EQ(Send(), std::to_string(status));
  }
  EXPECT_EQ(token_bodies_.size(), 1u);
  EXPECT_EQ(seen_.size(), 4u);
}

TEST_F(AuthenticatingRefreshTest, StreamBeginsAfterTheRefresh) {
  UseOAuth2();
  provider_answer_ = [](UpstreamExchange& exchange) {
    if (exchange.header("authorization") != "Bearer t2") {
      return exchange.Answer(401, "application/json", "{}");
    }
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("data: 1\n\n");
    exchange.EndChunks();
  };
  const Result<Response> response = Call(MakeRequest());
  ASSERT_OK(response);
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(larder::testing::RunCoroutine(io_, response->body->Read())->view(), "data: 1\n\n");
}

TEST_F(AuthenticatingRefreshTest, TokenThatIsOverIsReplacedBeforeItIsSent) {
  UseOAuth2();
  EXPECT_EQ(Send(), "200");
  clock_.Advance(60min - 30s);
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer t1", "Bearer t2"));
}

TEST_F(AuthenticatingRefreshTest, FixedKeyIsSentAgainOnlyIfItHasChanged) {
  provider_.auth.method = AuthMethod::kBearer;
  provider_.auth.token = Reference("${file:" + dir_ / "key" + "}");
  std::ofstream(dir_ / "key") << "old";
  good_ = "Bearer new";
  EXPECT_EQ(Send(), "401");
  EXPECT_EQ(seen_.size(), 1u) << "the same key would be refused once more";
  provider_answer_ = [this](UpstreamExchange& exchange) {
    const bool refused = exchange.header("authorization") != good_;
    if (refused) std::ofstream(dir_ / "key", std::ios::trunc) << "new";
    exchange.Answer(refused ? 401 : 200, "application/json", "{}");
  };
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer old", "Bearer old", "Bearer new"));
}

TEST_F(AuthenticatingRefreshTest, SignatureFollowsTheClockOfTheProviderIfOursIsOff) {
  UseAws();
  provider_answer_ = [](UpstreamExchange& exchange) {
    const bool now = exchange.header("x-amz-date").starts_with("20260101T0100");
    exchange.Answer(now ? 200 : 403, "application/json", "{}",
                    "date: Thu, 01 Jan 2026 01:00:00 GMT\r\n");
  };
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("x-amz-date"), ElementsAre("20260101T000000Z", "20260101T010000Z"));
  clock_.Advance(5s);
  EXPECT_EQ(Send(), "200");
  EXPECT_EQ(Seen("x-amz-date").back(), "20260101T010005Z") << "known from then on";
}

TEST_F(AuthenticatingRefreshTest, RefusalAtTheRightTimeIsHandedOnAtOnce) {
  UseAws();
  provider_answer_ = [](UpstreamExchange& exchange) {
    exchange.Answer(403, "application/json", "{}", "date: Thu, 01 Jan 2026 00:03:00 GMT\r\n");
  };
  EXPECT_EQ(Send(), "403");
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(AuthenticatingRefreshTest, ClaimIsMadeOutForTheClockOfTheEndpointIfOursIsOff) {
  UseGoogle();
  clock_.StepWall(-10min);
  token_answer_ = [](UpstreamExchange& exchange) {
    const std::string date = "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
    const auto from = ClaimsOf(exchange.body)["iat"].get<std::int64_t>();
    if (from < 1'767'225'600 - 60 || from > 1'767'225'600) {
      return exchange.Answer(400, "application/json", R"({"error": "invalid_grant"})", date);
    }
    exchange.Answer(200, "application/json", R"({"access_token": "t", "expires_in": 60})", date);
  };
  EXPECT_EQ(Send(), "200");
  EXPECT_EQ(token_bodies_.size(), 2u);
}

TEST_F(AuthenticatingRefreshTest, RefusedClaimIsNotRepeatedIfTheClocksAgree) {
  UseGoogle();
  token_answer_ = [](UpstreamExchange& exchange) {
    exchange.Answer(400, "application/json", R"({"error": "invalid_grant"})",
                    "date: Thu, 01 Jan 2026 00:00:20 GMT\r\n");
  };
  EXPECT_THAT(Send(), HasSubstr("it answered 400 (invalid_grant)"));
  EXPECT_EQ(token_bodies_.size(), 1u);
}

TEST_F(AuthenticatingRefreshTest, CallerDoesNotWaitLongerThanItsDeadlineForAToken) {
  UseOAuth2();
  token_answer_ = [](UpstreamExchange& exchange) { exchange.WaitForHangUp(); };
  Request request = MakeRequest();
  request.deadline = std::chrono::steady_clock::now() + 20ms;
  const Result<Response> response = Call(std::move(request));
  EXPECT_EQ(response.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(seen_.empty());
}

}  // namespace
}  // namespace larder::client
