// Credentials of our own on their way upstream.
#include "auth/authenticating_service.h"

#include <fstream>
#include <iterator>

#include "auth/authenticating_fixture.h"
#include "gate.h"

namespace larder::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AuthenticatingServiceTest : public larder::testing::AuthenticatingFixture {};

TEST_F(AuthenticatingServiceTest, BearerTakesThePlaceOfAllThatTheCallerSent) {
  provider_.auth.method = AuthMethod::kBearer;
  provider_.auth.token = Reference("${env:LARDER_TEST_KEY}");
  EXPECT_EQ(Send("/v1/models?a=1&key=caller"), "200");
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_THAT(seen_[0].head, AllOf(HasSubstr("Bearer sk-1"), Not(HasSubstr("caller"))));
  EXPECT_EQ(seen_[0].target, "/base/v1/models?a=1");
  EXPECT_EQ(seen_[0].header("x-other"), "kept");
}

TEST_F(AuthenticatingServiceTest, ApiKeyGoesInTheHeaderThatIsNamed) {
  provider_.auth.method = AuthMethod::kApiKey;
  provider_.auth.key = Reference("${env:LARDER_TEST_KEY}");
  provider_.auth.header = "x-goog-api-key";
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("x-goog-api-key"), ElementsAre("sk-1"));
  EXPECT_THAT(Seen("authorization"), ElementsAre(""));
}

TEST_F(AuthenticatingServiceTest, SecretThatChangedInItsSourceIsUsedByTheNextCall) {
  std::ofstream(dir_ / "key") << "first\n";
  provider_.auth.method = AuthMethod::kBearer;
  provider_.auth.token = Reference("${file:" + dir_ / "key" + "}");
  EXPECT_EQ(Send(), "200");
  std::ofstream(dir_ / "key", std::ios::trunc) << "second\n";
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer first", "Bearer second"));
}

TEST_F(AuthenticatingServiceTest, SecretThatIsNotThereIsNamedAndNothingIsSent) {
  ::setenv("LARDER_TEST_KEY", "sk\r\nx-evil: 1", 1);
  provider_.auth.method = AuthMethod::kBearer;
  provider_.auth.token = Reference("${env:LARDER_TEST_KEY}");
  EXPECT_EQ(Send(),
            "no credential for provider openai: ${env:LARDER_TEST_KEY} holds what cannot stand in "
            "a header field");
  ::unsetenv("LARDER_TEST_KEY");
  EXPECT_EQ(Send(),
            "no credential for provider openai: environment variable LARDER_TEST_KEY is not set");
  EXPECT_EQ(upstream_.requests(), 0);
}

TEST_F(AuthenticatingServiceTest, OAuthTokenIsAskedForAsTheClientIsTold) {
  UseOAuth2();
  provider_.auth.scope = "read write";
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(token_bodies_, ElementsAre("grant_type=client_credentials&scope=read+write"));
  EXPECT_THAT(last_token_head_, HasSubstr("authorization: Basic dXMlM0Flcjpzay0x\r\n"));
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer t1"));
}

TEST_F(AuthenticatingServiceTest, OAuthClientCanShowItsSecretInTheForm) {
  UseOAuth2();
  provider_.auth.client_auth = ClientAuth::kPost;
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(token_bodies_, ElementsAre("grant_type=client_credentials&client_id=us%3Aer"
                                         "&client_secret=sk-1"));
  EXPECT_THAT(last_token_head_, Not(HasSubstr("authorization")));
}

TEST_F(AuthenticatingServiceTest, TokenEndpointInTroubleIsNamedAndNothingIsSent) {
  UseOAuth2();
  token_status_ = 503;
  EXPECT_EQ(Send(),
            "no credential for provider openai: " + upstream_.base_url() + ": it answered 503");
  EXPECT_TRUE(seen_.empty());
}

TEST_F(AuthenticatingServiceTest, CommandPrintsTheTokenAndIsRunOnce) {
  provider_.auth.method = AuthMethod::kCommand;
  provider_.auth.command = {"sh", "-c", "echo run >> " + dir_ / "runs" + "; echo printed"};
  EXPECT_EQ(Send(), "200");
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer printed", "Bearer printed"));
  std::ifstream runs(dir_ / "runs");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(runs), {}), "run\n");
}

TEST_F(AuthenticatingServiceTest, GoogleServiceAccountExchangesASignedClaim) {
  UseGoogle();
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer t1"));
  EXPECT_THAT(token_bodies_,
              ElementsAre(StartsWith("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                                     "jwt-bearer&assertion=eyJ")));
}

TEST_F(AuthenticatingServiceTest, AwsSignatureIsMadeForEachRequestAtItsOwnTime) {
  UseAws();
  EXPECT_EQ(Send(), "200");
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Send(), "200");
  EXPECT_THAT(Seen("x-amz-date"), ElementsAre("20260101T000000Z", "20260101T000001Z"));
  const std::vector<std::string> signatures = Seen("authorization");
  EXPECT_THAT(signatures[0],
              AllOf(HasSubstr("Credential=sk-1/"), HasSubstr("/eu-west-1/bedrock/aws4_request")));
  EXPECT_NE(signatures[0], signatures[1]);
}

TEST_F(AuthenticatingServiceTest, StreamArrivesPieceByPieceWithEachMethod) {
  larder::testing::Gate gate;
  provider_answer_ = [&](larder::testing::UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "application/vnd.amazon.eventstream");
    exchange.Chunk("first");
    gate.Wait();
    exchange.Chunk("second");
    exchange.EndChunks();
  };
  UseAws();
  Result<Response> response = Call(MakeRequest());
  ASSERT_OK(response);
  EXPECT_EQ(larder::testing::RunCoroutine(io_, response->body->Read())->view(), "first");
  gate.Open();
  EXPECT_EQ(larder::testing::RunCoroutine(io_, response->body->Read())->view(), "second");
  EXPECT_EQ(larder::testing::RunCoroutine(io_, response->body->Read())->view(), "");
}

}  // namespace
}  // namespace larder::client
