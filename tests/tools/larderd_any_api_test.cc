// Any API over HTTP behind the real gateway: who gets whose answers, and what is sent twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::StartsWith;
using Json = nlohmann::json;

// Tells everybody who he is.
void TellWho(UpstreamExchange& exchange) {
  const std::string who = exchange.header("authorization") + exchange.header("x-auth-token");
  const std::string more = exchange.target == "/private" ? "cache-control: private, max-age=600\r\n"
                           : exchange.target == "/vary"  ? "vary: Authorization\r\n"
                                                         : "";
  exchange.Answer(exchange.method == "GET" ? 200 : 500, "text/plain", "you are " + who, more);
}

class LarderdAnyApiTest : public ::testing::Test {
 protected:
  void Begin(const std::string& isolation) {
    const Json web = {{"dialect", "http"},
                      {"base_url", upstream_.base_url()},
                      {"upstream_freshness", true},
                      {"retry", {{"base_delay", "1ms"}, {"max_delay", "1ms"}}}};
    const Json gateway = {{"isolation", isolation}};
    gateway_ = std::make_unique<GatewayFixture>(
        upstream_.base_url(),
        std::map<std::string, std::string>{{"providers", Json{{"web", web}}.dump()},
                                           {"gateway", gateway.dump()}});
  }
  WireAnswer Get(const std::string& path, const client::Headers& headers) const {
    return Ask(gateway_->url(), "GET", "/web" + path, "", headers);
  }

  FakeUpstream upstream_{TellWho};
  std::unique_ptr<GatewayFixture> gateway_;
};

TEST_F(LarderdAnyApiTest, CallersWhoShareDoNotShareWhatIsForOneOfThem) {
  Begin("namespace");
  for (const char* path : {"/private", "/vary"}) {
    for (const std::string who : {"Bearer alice", "Bearer bob"}) {
      const WireAnswer answer = Get(path, {{"authorization", who}});
      EXPECT_EQ(answer.body, "you are " + who) << path;
      EXPECT_EQ(answer.header("cache-status"), "larder; fwd=miss") << path;
    }
  }
}

TEST_F(LarderdAnyApiTest, CredentialsOfAnyNameTellCallersApartAndInvalidateTheirOwn) {
  Begin("credential");
  const auto ask = [&](const std::string& who) {
    const WireAnswer answer = Get("/me", {{"x-auth-token", who}, {"larder-tags", "docs"}});
    EXPECT_EQ(answer.body, "you are " + who);
    return answer.header("cache-status");
  };
  for (const char* who : {"alice", "bob"}) {
    EXPECT_EQ(ask(who), "larder; fwd=miss; stored");
    EXPECT_THAT(ask(who), StartsWith("larder; hit"));
  }
  EXPECT_EQ(Ask(gateway_->url(), "POST", "/larder/v1/invalidate", R"({"tags":["docs"]})",
                {{"x-auth-token", "alice"}, {"content-type", "application/json"}})
                .status,
            200);
  EXPECT_THAT(ask("bob"), StartsWith("larder; hit"));
  EXPECT_THAT(ask("alice"), StartsWith("larder; fwd=miss"));
}

TEST_F(LarderdAnyApiTest, OrderThatFailedIsNotMadeAgain) {
  Begin("credential");
  EXPECT_EQ(Ask(gateway_->url(), "POST", "/web/order", "one").status, 500);
  EXPECT_EQ(upstream_.requests(), 1);
  EXPECT_EQ(Ask(gateway_->url(), "PUT", "/web/order", "one").status, 500);
  EXPECT_EQ(upstream_.requests(), 4) << "the same twice over is the same";
}

}  // namespace
}  // namespace larder::testing
