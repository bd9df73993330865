// Clients of the gateway's own: who is let in, what they may use, what they share and spend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "fake_upstream.h"
#include "gate.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}})";

std::string Prompt(const std::string& text, const std::string& model = "m") {
  return R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + text + "\"}]}";
}

class LarderdClientsTest : public ::testing::Test {
 protected:
  void Begin(const std::map<std::string, std::string>& more = {}) {
    gateway_ = std::make_unique<GatewayFixture>(upstream_.base_url(), more);
  }

  // `cachectl --socket ... ARGUMENTS`
  ProgramEnd Cachectl(std::vector<std::string> arguments) const {
    std::vector<std::string> words = {CACHECTL_PROGRAM, "--socket",
                                      gateway_->cache_directory() + "/admin.sock"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return RunProgram({.words = words});
  }
  // Makes a client and returns its key.
  std::string Add(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"client", "add"});
    const ProgramEnd end = Cachectl(arguments);
    EXPECT_EQ(end.exit_status, 0) << end.err;
    return end.out.substr(0, end.out.find('\n'));
  }
  // The same prompt each time.
  WireAnswer Expect(int status, const std::string& key) const {
    WireAnswer answer = Chat(key, "warm");
    EXPECT_EQ(answer.status, status);
    return answer;
  }
  WireAnswer Chat(const std::string& key, const std::string& prompt,
                  const client::Headers& more = {}, const std::string& path = kChat,
                  const std::string& model = "m") const {
    client::Headers headers = {{"authorization", "Bearer " + key}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return Ask(gateway_->url(), "POST", path, Prompt(prompt, model), headers);
  }
  static std::string StatusOf(const WireAnswer& answer) { return answer.header("cache-status"); }

  std::atomic<int> status_ = 200;
  Gate hold_;
  std::atomic<bool> held_ = false;
  std::mutex mutex_;
  std::string heads_;  // all that the upstream was sent; guarded by mutex_
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) {
    {
      const std::lock_guard lock(mutex_);
      heads_ += exchange.head;
    }
    if (held_) hold_.Wait();
    const bool denied = exchange.header("authorization") == "Bearer denied";
    exchange.Answer(denied ? 401 : status_.load(), "application/json", kAnswer);
  }};
  std::unique_ptr<GatewayFixture> gateway_;
};

TEST_F(LarderdClientsTest, OnlyHoldersOfAKeyAreLetInAndTheKeyStaysHere) {
  Begin();
  EXPECT_EQ(Chat("anything", "open").status, 200) << "no clients: everybody may call";
  const std::string key = Add({"app"});
  EXPECT_THAT(key, ::testing::MatchesRegex("larder-[A-Za-z0-9_-]{43}"));
  const WireAnswer denied = Expect(401, "anything");
  EXPECT_EQ(denied.header("x-should-retry"), "false");
  EXPECT_EQ(denied.header("www-authenticate"), "Bearer");
  EXPECT_TRUE(Json::parse(denied.body).contains("error"));
  Expect(200, key);
  EXPECT_EQ(Chat(key, "two").status, 200);
  EXPECT_EQ(Ask(gateway_->url(), "POST", kChat, Prompt("three"), {{"x-api-key", key}}).status, 200);
  const std::string other = Add({"other"});
  const client::Headers twice = {
      {"authorization", "Bearer " + key}, {"x-api-key", key}, {"api-key", other}};
  EXPECT_EQ(Ask(gateway_->url(), "POST", kChat, Prompt("four"), twice).status, 200)
      << "some put it into each field that there is";
  EXPECT_THAT(heads_, Not(HasSubstr(other)));
  EXPECT_EQ(Ask(gateway_->url(), "POST", kChat, Prompt("x")).status, 401);
  EXPECT_EQ(Ask(gateway_->url(), "GET", "/healthz").status, 200) << "for monitors";
  std::ifstream file(gateway_->config_file());
  const std::string config{std::istreambuf_iterator<char>(file), {}};
  for (const std::string& text : {heads_, config, gateway_->process().ErrorText(),
                                  Cachectl({"client", "ls"}).out, Cachectl({"stats"}).out}) {
    EXPECT_THAT(text, Not(HasSubstr(key)));
  }
}

TEST_F(LarderdClientsTest, ClientTakenOutIsOutAtOnce) {
  Begin();
  const std::string one = Add({"one"});
  const std::string two = Add({"two", "--namespace", "team", "--model", "m", "--usd-per-day", "2"});
  Expect(200, one);
  EXPECT_EQ(Cachectl({"client", "add", "one"}).exit_status, 2) << "it has a key";
  const std::string lines = Cachectl({"--json", "client", "ls"}).out;
  const Json listed = Json::parse(lines.substr(lines.find('\n') + 1));
  EXPECT_EQ(listed["name"], "two");
  EXPECT_EQ(listed["namespace"], "team");
  EXPECT_FALSE(listed.contains("key_sha256"));
  EXPECT_EQ(Cachectl({"client", "rm", "one"}).exit_status, 0);
  Expect(401, one);
  EXPECT_EQ(Chat(two, "x").status, 200);
  EXPECT_EQ(Cachectl({"client", "rm", "one"}).exit_status, 1);
}

TEST_F(LarderdClientsTest, ProvidersAndModelsAreBound) {
  Begin();
  const std::string key = Add({"app", "--provider", "openai", "--model", "m", "--model", "gpt-*"});
  Expect(200, key);
  EXPECT_EQ(Chat(key, "x", {}, kChat, "gpt-4o").status, 200);
  const WireAnswer model = Chat(key, "x", {}, kChat, "o1");
  EXPECT_EQ(model.status, 403);
  EXPECT_EQ(model.header("x-should-retry"), "false");
  EXPECT_EQ(Chat(key, "x", {}, "/backup/v1/chat/completions").status, 403);
  EXPECT_EQ(Chat(key, "x", {}, "/v1/images").status, 403) << "its model cannot be told";
  const client::Headers credential = {{"authorization", "Bearer " + key}};
  EXPECT_EQ(
      Ask(gateway_->url(), "POST", kChat, R"({"model":"m","model":"o1","messages":[]})", credential)
          .status,
      403)
      << "two models";
  EXPECT_EQ(Ask(gateway_->url(), "GET", "/v1/models", {}, credential).status, 200);
}

TEST_F(LarderdClientsTest, ReadingThatAnUpstreamMayTakeForMoreIsBoundAndCostsToo) {
  Begin();
  const std::string bound = Add({"bound", "--model", "m"});
  const std::string poor = Add({"poor", "--usd-per-day", "0.000001"});
  const auto get = [&](const std::string& key, const std::string& body,
                       const char* override_field = "x-other") {
    return Ask(gateway_->url(), "GET", kChat, body,
               {{"authorization", "Bearer " + key}, {override_field, "POST"}})
        .status;
  };
  EXPECT_EQ(get(bound, ""), 200);
  EXPECT_EQ(get(bound, Prompt("x", "o1")), 403);
  for (const char* field : {"x-http-method-override", "X-HTTP-Method", "x-method-override"}) {
    EXPECT_EQ(get(bound, "", field), 403) << field;
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(poor, ""), 200) << "it costs nothing";
  EXPECT_EQ(get(poor, Prompt("x", "o1")), 200);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (get(poor, "", "x-http-method-override") != 429) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
}

// Azure goes by the path, and never looks at the body's model.
TEST_F(LarderdClientsTest, ModelsAreBoundInThePathAsInTheBody) {
  Begin();
  const std::string key = Add({"app", "--model", "m", "--model", "gpt-*"});
  const client::Headers credential = {{"api-key", key}};
  const auto ask = [&](const std::string& deployment, const std::string& body) {
    const std::string path =
        "/openai/deployments/" + deployment + "/chat/completions?api-version=1";
    return Ask(gateway_->url(), "POST", path, body, credential).status;
  };
  const std::string without = R"({"messages":[]})";
  EXPECT_EQ(ask("m", without), 200);
  EXPECT_EQ(ask("m", Prompt("x", "gpt-4o")), 200);
  EXPECT_EQ(ask("o1", without), 403);
  EXPECT_EQ(ask("o1", Prompt("x", "m")), 403);
  EXPECT_EQ(ask("m", Prompt("x", "o1")), 403) << "others go by the body";
  EXPECT_EQ(ask("o%31", Prompt("x", "m")), 403);
  EXPECT_EQ(ask("m/../o1", Prompt("x", "m")), 403) << "which of the two is the upstream's affair";
  EXPECT_EQ(ask("m", "no JSON"), 403);
}

TEST_F(LarderdClientsTest, ClientsShareOnlyWithinANamespaceAndOnlyWhereThatIsAsked) {
  Begin();
  const std::string one = Add({"one", "--namespace", "team"});
  const std::string two = Add({"two", "--namespace", "team"});
  Expect(200, two);
  EXPECT_THAT(StatusOf(Chat(one, "p")), HasSubstr("fwd=miss"));
  EXPECT_THAT(StatusOf(Chat(one, "p")), HasSubstr("; hit"));
  EXPECT_THAT(StatusOf(Chat(two, "p")), HasSubstr("fwd=miss")) << "credential is the default";

  Begin({{"gateway", R"({"isolation": "namespace"})"}});
  const std::string a = Add({"a", "--namespace", "team"});
  const std::string b = Add({"b", "--namespace", "team"});
  const std::string c = Add({"c"});
  Expect(200, c);
  EXPECT_THAT(StatusOf(Chat(a, "p")), HasSubstr("fwd=miss"));
  EXPECT_THAT(StatusOf(Chat(b, "p")), HasSubstr("; hit"));
  EXPECT_THAT(StatusOf(Chat(c, "p")), HasSubstr("fwd=miss"));
  EXPECT_THAT(StatusOf(Chat(c, "p", {{"larder-namespace", "team"}})), HasSubstr("fwd=miss"))
      << "a name of one's own is no way into another's";
  EXPECT_THAT(StatusOf(Chat(a, "p", {{"larder-namespace", "x"}})), HasSubstr("fwd=miss"));
  EXPECT_THAT(StatusOf(Chat(b, "p", {{"larder-namespace", "x"}})), HasSubstr("; hit"));
}

TEST_F(LarderdClientsTest, KeptAnswersOutliveAKey) {
  Begin();
  const std::string before = Add({"app"});
  Expect(200, before);
  EXPECT_THAT(StatusOf(Chat(before, "p")), HasSubstr("fwd=miss; stored"));
  EXPECT_EQ(Cachectl({"client", "rm", "app"}).exit_status, 0);
  const std::string after = Add({"app"});
  Expect(401, before);
  EXPECT_THAT(StatusOf(Chat(after, "p")), HasSubstr("; hit"));
}

TEST_F(LarderdClientsTest, NobodyCanNameHimselfAClientOnceTheClientsAreGone) {
  Begin();
  const std::string key = Add({"app", "--namespace", "n"});
  EXPECT_EQ(Chat(key, "secret").status, 200);
  EXPECT_THAT(StatusOf(Chat(key, "secret")), HasSubstr("hit"));
  EXPECT_EQ(Cachectl({"client", "rm", "app"}).exit_status, 0);
  for (const char* name : {"larder-client app", "app", "Bearer app"}) {
    const client::Headers forged = {{"authorization", name}, {"larder-namespace", "n"}};
    EXPECT_THAT(StatusOf(Chat("", "secret", forged)), Not(HasSubstr("hit"))) << name;
  }
}

TEST_F(LarderdClientsTest, RateIsLimitedAndSaysWhenToComeAgain) {
  Begin();
  const std::string key = Add({"app", "--requests-per-minute", "3"});
  Add({"other"});
  int allowed = 0;
  WireAnswer answer;
  do {
    answer = Chat(key, "p");
    if (answer.status == 200) ++allowed;
  } while (answer.status != 429);
  EXPECT_LE(allowed, 4);
  EXPECT_THAT(answer.header("retry-after"), ::testing::MatchesRegex("[0-9]+"));
  EXPECT_EQ(answer.header("x-should-retry"), "") << "it may be tried again";
}

// To tell a model takes a look at the whole body.
TEST_F(LarderdClientsTest, RateIsLimitedAlsoWhereEveryRequestIsForbidden) {
  Begin();
  const std::string key = Add({"app", "--model", "m", "--requests-per-minute", "3"});
  Add({"other"});
  int forbidden = 0;
  while (Chat(key, "p", {}, kChat, "o1").status == 403) ASSERT_LE(++forbidden, 60);
  EXPECT_EQ(Chat(key, "p", {}, kChat, "o1").status, 429);
}

TEST_F(LarderdClientsTest, SpentBudgetLeavesTheCacheAlsoAfterARestart) {
  Begin({{"prices", R"({"m": {"input_per_million": 10, "output_per_million": 100}})"}});
  // An answer costs 0.003 USD.
  const std::string key = Add({"app", "--usd-per-day", "0.006"});
  const auto refused = [&](const std::string& prompt) {
    const WireAnswer answer = Chat(key, prompt);
    EXPECT_EQ(answer.status, 429) << prompt;
    EXPECT_EQ(answer.header("x-should-retry"), "false");
    EXPECT_THAT(answer.body, HasSubstr("spent"));
  };
  Expect(200, key);
  EXPECT_EQ(Chat(key, "b").status, 200);
  refused("c");
  EXPECT_EQ(Chat(key, "b").status, 200) << "a hit costs nothing";
  EXPECT_EQ(upstream_.requests(), 2);
  EXPECT_EQ(
      Ask(gateway_->url(), "POST", "/v1/images", "{}", {{"authorization", "Bearer " + key}}).status,
      429)
      << "nor what is never cached";
  gateway_->process().Signal(SIGTERM);
  EXPECT_EQ(gateway_->process().Wait().exit_status, 0);
  gateway_->Start();
  EXPECT_EQ(Chat(key, "b").status, 200);
  refused("c");
}

TEST_F(LarderdClientsTest, WhoMayNotAskTheProviderDoesNotWhileItIsRecordedEither) {
  Begin({{"gateway", R"({"mode": "record"})"},
         {"prices", R"({"m": {"input_per_million": 10, "output_per_million": 100}})"}});
  const std::string key = Add({"app", "--usd-per-day", "0.003"});
  const auto post = [&](const std::string& target, const client::Headers& more = {}) {
    client::Headers headers = {{"authorization", "Bearer " + key}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return Ask(gateway_->url(), "POST", target, "{}", headers).status;
  };
  EXPECT_EQ(post("/v1/images", {{"cache-control", "only-if-cached"}}), 504);
  EXPECT_EQ(upstream_.requests(), 0);
  Expect(200, key);
  EXPECT_EQ(post("/v1/images"), 429) << "it has spent what it may";
  EXPECT_EQ(upstream_.requests(), 1);
}

TEST_F(LarderdClientsTest, SpendingThatCannotBeReadHoldsUpNoStart) {
  Begin();
  const std::string key = Add({"app", "--usd-per-day", "1"});
  gateway_->process().Signal(SIGTERM);
  EXPECT_EQ(gateway_->process().Wait().exit_status, 0);
  const std::string file = gateway_->cache_directory() + "/spending";
  std::filesystem::remove(file);
  ASSERT_TRUE(std::filesystem::create_directory(file));
  gateway_->Start();
  Expect(200, key);
  EXPECT_THAT(gateway_->process().ErrorText(), HasSubstr("spending: is not a regular file"));
}

// A pipe takes no bytes until somebody reads, as a disk that hangs.
TEST_F(LarderdClientsTest, DiskThatHangsUnderWhatWasSpentHoldsUpNoEnd) {
  Begin();
  const std::string key = Add({"app", "--usd-per-day", "1"});
  ASSERT_EQ(::mkfifo((gateway_->cache_directory() + "/spending.new").c_str(), 0600), 0);
  Expect(200, key);
  gateway_->process().Signal(SIGTERM);
  const Ended end = gateway_->process().Wait();
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_THAT(end.err, HasSubstr("the disk does not answer"));
}

TEST_F(LarderdClientsTest, WordOfTheUpstreamOnOneCredentialIsNotGivenToAnother) {
  Begin({{"gateway", R"({"isolation": "namespace"})"}});
  held_ = true;
  WireClient first(gateway_->url());
  first.SendRequest("POST", kChat, Prompt("p"), {{"authorization", "Bearer denied"}});
  while (upstream_.requests() < 1) std::this_thread::yield();
  WireClient second(gateway_->url());
  second.SendRequest("POST", kChat, Prompt("p"), {{"authorization", "Bearer good"}});
  ASSERT_TRUE(gateway_->WaitForCounter("coalesced", 1));
  hold_.Open();
  EXPECT_EQ(first.Read().status, 401);
  EXPECT_EQ(second.Read().status, 200);
}

TEST_F(LarderdClientsTest, NamespacesBeyondThisMachineNeedClients) {
  Begin();
  Json config = Json::parse(std::ifstream(gateway_->config_file()));
  config["gateway"]["isolation"] = "namespace";
  config["gateway"]["listen"] = "0.0.0.0:0";
  const std::string file = gateway_->directory() / "other.json";
  std::ofstream(file) << config;
  LarderdProcess process(gateway_->directory().path(), {"--config", file, "--check"});
  const Ended end = process.Wait();
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("gateway.clients"));
}

}  // namespace
}  // namespace larder::testing
