// cachectl explain --recent: which misses of a running larderd nearly were hits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]})";

class LarderdRecentTest : public ::testing::Test {
 protected:
  WireAnswer Chat(const std::string& prompt, const std::string& temperature,
                  const client::Headers& headers = {{"authorization", "Bearer mine"}}) const {
    return Ask(gateway_.url(), "POST", "/v1/chat/completions",
               R"({"model":"m","messages":[{"role":"user","content":")" + prompt +
                   R"("}],"temperature":)" + temperature + "}",
               headers);
  }
  // The key of a hit.
  static std::string KeyOf(const WireAnswer& answer) {
    const std::string status = answer.header("cache-status");
    return status.substr(status.find('"') + 1, 64);
  }
  ProgramEnd Explain(std::vector<std::string> words) const {
    words.insert(words.begin(), {CACHECTL_PROGRAM, "--config", gateway_.config_file(), "explain"});
    return RunProgram({.words = std::move(words)});
  }
  // Once there are so many: they are hashed after the answer.
  std::vector<json> Recent(std::size_t count) const {
    std::vector<json> misses;
    for (int i = 0; i < 500 && misses.size() < count; ++i) {
      misses.clear();
      const ProgramEnd end = Explain({"--recent", "--json"});
      EXPECT_EQ(end.exit_status, 0) << end.err;
      std::istringstream lines(end.out);
      for (std::string line; std::getline(lines, line);) misses.push_back(json::parse(line));
    }
    EXPECT_EQ(misses.size(), count);
    return misses;
  }

  FakeUpstream upstream_{[](UpstreamExchange& exchange) {
    if (!exchange.target.ends_with("/embeddings")) {
      return exchange.Answer(200, "application/json", kAnswer);
    }
    const std::size_t items = json::parse(exchange.body)["input"].size();
    json data = json::array();
    for (std::size_t i = 0; i < items; ++i) {
      data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", {0.5, 1}}});
    }
    const json answer = {{"object", "list"},
                         {"data", data},
                         {"model", "e"},
                         {"usage", {{"prompt_tokens", 2}, {"total_tokens", 2}}}};
    exchange.Answer(200, "application/json", answer.dump());
  }};
  GatewayFixture gateway_{upstream_.base_url()};
};

TEST_F(LarderdRecentTest, NearMissIsListedByItsFieldAndWithoutItsValues) {
  Chat("planted", "0.25");
  Chat("planted", "0.75");
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 2));
  const std::vector<json> misses = Recent(1);
  ASSERT_EQ(misses.size(), 1U);
  EXPECT_EQ(misses[0]["key"], KeyOf(Chat("planted", "0.75")));
  EXPECT_EQ(misses[0]["nearest"], KeyOf(Chat("planted", "0.25")));
  EXPECT_EQ(misses[0]["nearest_stored"], true);
  EXPECT_EQ(misses[0]["provider"], "openai");
  EXPECT_EQ(misses[0]["path"], "/v1/chat/completions");
  EXPECT_THAT(misses[0]["differing"], ElementsAre("/temperature"));
  EXPECT_GE(misses[0]["nearest_age_ms"], misses[0]["age_ms"]);
  const ProgramEnd end = Explain({"--recent"});
  EXPECT_THAT(end.out,
              HasSubstr(" ago, openai /v1/chat/completions, differs in /temperature from "));
  EXPECT_THAT(end.out, HasSubstr(" ago, stored\n"));
  for (const char* value : {"planted", "0.25", "0.75", "mine", "Bearer"}) {
    EXPECT_THAT(end.out + misses[0].dump(), Not(HasSubstr(value)));
  }
}

TEST_F(LarderdRecentTest, CallersAreComparedWithThemselvesOnly) {
  const client::Headers other = {{"authorization", "Bearer other"}};
  Chat("a", "0.1");
  Chat("a", "0.2", other);
  Chat("a", "0.3", other);
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 3));
  const std::vector<json> misses = Recent(1);
  ASSERT_EQ(misses.size(), 1U);
  EXPECT_EQ(misses[0]["nearest"], KeyOf(Chat("a", "0.2", other)));
}

TEST_F(LarderdRecentTest, HeadersNamespacesAndLargePromptsAreToldApart) {
  const std::string large(200'000, 'x');
  Chat(large, "1");
  Chat(large, "1", {{"authorization", "Bearer mine"}, {"openai-beta", "b"}});
  EXPECT_THAT(Recent(1)[0]["differing"], ElementsAre("header openai-beta"));
  Chat(large, "1", {{"authorization", "Bearer mine"}, {"larder-namespace", "n"}});
  EXPECT_THAT(Recent(2)[0]["differing"], ElementsAre("namespace"));
  Chat(large + "y", "1");
  EXPECT_THAT(Recent(3)[0]["differing"], ElementsAre("/messages/0/content"));
}

// They are kept, and looked at here, item by item.
TEST_F(LarderdRecentTest, EmbeddingsAreToldApartByTheFirstItemThatIsMissing) {
  const auto embed = [this](const std::string& input, const std::string& dimensions) {
    return Ask(gateway_.url(), "POST", "/v1/embeddings",
               R"({"model":"e","input":)" + input + R"(,"dimensions":)" + dimensions + "}",
               {{"authorization", "Bearer mine"}});
  };
  EXPECT_EQ(embed(R"(["planted","b"])", "2").status, 200);
  EXPECT_EQ(embed(R"(["planted","b"])", "3").status, 200);
  const json dimensions = Recent(1)[0];
  EXPECT_THAT(dimensions["differing"], ElementsAre("/dimensions"));
  EXPECT_EQ(dimensions["key"], KeyOf(embed(R"("planted")", "3")));
  EXPECT_EQ(dimensions["nearest"], KeyOf(embed(R"("planted")", "2")));
  EXPECT_EQ(dimensions["nearest_stored"], true);
  EXPECT_THAT(dimensions.dump(), Not(HasSubstr("planted")));
  EXPECT_EQ(embed(R"(["planted","b","c"])", "3").status, 200);
  EXPECT_THAT(Recent(2)[0]["differing"], ElementsAre("/input")) << "c is the one that is missing";
}

TEST_F(LarderdRecentTest, InvalidatedEntryIsNoNearMiss) {
  const client::Headers tagged = {{"authorization", "Bearer mine"}, {"larder-tags", "t"}};
  Chat("a", "0.1", tagged);
  Chat("a", "0.2", tagged);
  EXPECT_EQ(Recent(1)[0]["nearest_stored"], true);
  ASSERT_TRUE(gateway_.InvalidateTag("t"));
  Chat("a", "0.2", tagged);
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 3));
  EXPECT_EQ(Recent(1)[0]["nearest_stored"], false) << "it was invalidated as well";
  EXPECT_THAT(Explain({"--recent"}).out, HasSubstr(" ago, not stored\n"));
}

TEST_F(LarderdRecentTest, SoManyAsAskedForLatestFirst) {
  for (const char* temperature : {"0.1", "0.2", "0.3"}) {
    Chat("a", temperature);
    ASSERT_TRUE(gateway_.WaitForCounter("stores", temperature[2] - '0'));
    Recent(static_cast<std::size_t>(temperature[2] - '1'));
  }
  const ProgramEnd end = Explain({"--recent", "--limit", "1", "--json"});
  EXPECT_EQ(json::parse(end.out)["key"], KeyOf(Chat("a", "0.3")));
}

TEST_F(LarderdRecentTest, WrongUsageAndNobodyToAskAreTold) {
  ProgramEnd end = Explain({"--recent"});
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_EQ(end.out, "");
  EXPECT_THAT(end.err, HasSubstr("no recent miss nearly was a hit"));
  EXPECT_EQ(Explain({"--recent", "text:key"}).exit_status, 2);
  EXPECT_EQ(Explain({"--recent", "--limit", "0"}).exit_status, 2);
  end = Explain({});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("usage: cachectl explain KEY | A.json B.json | --recent"));
  gateway_.process().Signal(SIGTERM);
  ASSERT_EQ(gateway_.process().Wait().exit_status, 0);
  end = Explain({"--recent"});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_THAT(end.err, HasSubstr("in the memory of the larderd"));
}

}  // namespace
}  // namespace larder::testing
