// A secret that changed in its source: the next call has it, and connections that carried the old
// one are closed.
#include <fstream>

#include "auth/authenticating_fixture.h"
#include "gate.h"
#include "idle_connections.h"

namespace larder::client {
namespace {

using larder::testing::Gate;
using larder::testing::RunCoroutine;
using larder::testing::UpstreamExchange;
using ::testing::ElementsAre;

class CredentialRotationTest : public larder::testing::AuthenticatingFixture {
 protected:
  CredentialRotationTest() {
    WriteKey("first");
    provider_.auth.method = AuthMethod::kBearer;
    provider_.auth.token = Reference("${file:" + dir_ / "key" + "}");
  }
  void WriteKey(const std::string& key) const {
    std::ofstream(dir_ / "key", std::ios::trunc) << key << '\n';
  }
  // One call, read to its end.
  std::string SendWhole() {
    Result<Response> response = Call(MakeRequest());
    return response.ok() ? ReadToEnd(*response) : response.status().message();
  }
  std::string ReadToEnd(Response& response) {
    std::string text;
    while (true) {
      const Result<SharedBytes> piece = RunCoroutine(io_, response.body->Read());
      if (!piece.ok()) return piece.status().message();
      if (piece->empty()) return text;
      text += piece->view();
    }
  }
};

TEST_F(CredentialRotationTest, ConnectionIsKeptAsLongAsTheSecretIsTheSame) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(SendWhole(), "{}");
  EXPECT_EQ(upstream_.connections(), 1);
}

TEST_F(CredentialRotationTest, NewSecretGoesOnANewConnectionAndTheOldOneIsClosed) {
  EXPECT_EQ(SendWhole(), "{}");
  WriteKey("second");
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer first", "Bearer second"));
  EXPECT_EQ(upstream_.connections(), 2);
  EXPECT_TRUE(upstream_.WaitForClosed(1));
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_EQ(upstream_.connections(), 2);
}

TEST_F(CredentialRotationTest, StreamThatRunsGoesOnAndItsConnectionIsClosedAtItsEnd) {
  Gate gate;
  provider_answer_ = [&](UpstreamExchange& exchange) {
    const bool first = exchange.header("authorization") == "Bearer first";
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("a");
    if (first) gate.Wait();
    exchange.Chunk("b");
    exchange.EndChunks();
  };
  std::optional<Result<Response>> stream = Call(MakeRequest());
  ASSERT_OK(*stream);
  WriteKey("second");
  EXPECT_EQ(SendWhole(), "ab");
  gate.Open();
  EXPECT_EQ(ReadToEnd(**stream), "ab");
  stream.reset();
  EXPECT_TRUE(upstream_.WaitForClosed(1));
  EXPECT_EQ(upstream_.connections(), 2);
}

TEST_F(CredentialRotationTest, ClientSecretThatChangedGetsATokenOfItsOwn) {
  UseOAuth2();
  provider_.auth.client_secret = provider_.auth.token;
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_EQ(SendWhole(), "{}");
  WriteKey("second");
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_THAT(Seen("authorization"), ElementsAre("Bearer t1", "Bearer t1", "Bearer t2"));
  EXPECT_TRUE(upstream_.WaitForClosed(1));
}

TEST_F(CredentialRotationTest, AwsKeyThatChangedSignsTheNextRequest) {
  UseAws();
  provider_.auth.access_key_id = provider_.auth.token;
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_EQ(upstream_.connections(), 1) << "another signature is no other key";
  WriteKey("second");
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_THAT(Seen("authorization").back(), ::testing::HasSubstr("Credential=second/"));
  EXPECT_TRUE(upstream_.WaitForClosed(1));
}

TEST_F(CredentialRotationTest, ConnectionIsClosedAlsoIfNoFurtherRequestComes) {
  IdleConnections::Of(io_).SetInterval(std::chrono::milliseconds(1));
  EXPECT_EQ(SendWhole(), "{}");
  io_.restart();
  io_.run();  // until nothing is open
  EXPECT_TRUE(upstream_.WaitForClosed(1));
  EXPECT_EQ(SendWhole(), "{}");
  EXPECT_EQ(upstream_.connections(), 2);
}

TEST_F(CredentialRotationTest, StreamThatRunsIsNotIdle) {
  IdleConnections::Of(io_).SetInterval(std::chrono::milliseconds(1));
  Gate gate;
  provider_answer_ = [&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("a");
    gate.Wait();
    exchange.EndChunks();
  };
  std::optional<Result<Response>> stream = Call(MakeRequest());
  ASSERT_OK(*stream);
  for (int i = 0; i < 3; ++i) io_.run_one();  // sweeps find it in use
  gate.Open();
  EXPECT_EQ(ReadToEnd(**stream), "a");
}

TEST_F(CredentialRotationTest, IoContextThatIsToEndDoesNotWaitForIdleConnections) {
  IdleConnections::Of(io_).SetInterval(std::chrono::hours(1));
  EXPECT_EQ(SendWhole(), "{}");
  io_.restart();
  io_.poll();
  EXPECT_FALSE(io_.stopped());
  IdleConnections::Of(io_).Stop();
  io_.restart();
  io_.poll();
  EXPECT_TRUE(io_.stopped()) << "nothing is left to do";
}

}  // namespace
}  // namespace larder::client
