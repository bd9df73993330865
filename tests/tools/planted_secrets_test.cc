// Secrets and prompts are planted wherever a caller can put them; nothing that people or machines
// read of us afterwards has them: logs at the most talkative level, our own errors, statistics,
// metrics, cachectl, the files of the store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core_dumps.h"
#include "fake_upstream.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPlanted = "planted";  // in every secret and prompt, in no answer of ours
constexpr const char* kStored = "what the provider said";

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"what the provider said"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

constexpr const char* kPrompt =
    R"({"model":"m","messages":[{"role":"user","content":"planted-prompt"}],"user":"planted-user"})";

// Each header in which a credential may come.
const client::Headers& Credentials() {
  static const client::Headers headers = {{"authorization", "Bearer planted-authorization"},
                                          {"x-api-key", "planted-x-api-key"},
                                          {"api-key", "planted-api-key"},
                                          {"x-goog-api-key", "planted-goog-key"},
                                          {"cookie", "session=planted-cookie"}};
  return headers;
}

client::Headers With(std::string name, std::string value) {
  client::Headers headers = Credentials();
  headers.Add(std::move(name), std::move(value));
  return headers;
}

// A provider in every kind of trouble, by the path: what it says repeats what it was sent.
void Misbehave(UpstreamExchange& exchange) {
  const std::string echo = R"({"error":{"message":"planted-echo"}})";
  if (exchange.target.starts_with("/good/")) {
    return exchange.Answer(200, "application/json", kAnswer);
  }
  if (exchange.target.starts_with("/refuses/")) {
    return exchange.Answer(401, "application/json", echo);
  }
  if (exchange.target == "/token") {
    return exchange.Answer(400, "application/json", R"({"error":"planted-Echo"})");
  }
  if (exchange.target.starts_with("/fails/")) {
    return exchange.Answer(500, "application/json", echo, "x-should-retry: false\r\n");
  }
  if (exchange.target.starts_with("/lies/")) {
    return exchange.Answer(200, "application/json", "{\"planted-echo");
  }
  if (exchange.target.starts_with("/cut/")) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("data: {\"choices\":[{\"delta\":{\"content\":\"planted-echo\"}}]}\n\n");
  }
  exchange.Close();
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PlantedSecretsTest : public ::testing::Test {
 protected:
  // One call for each way in which something can go wrong, and one that goes well. Returns what we
  // answered ourselves: what the provider said is handed on unchanged.
  std::string CallInAllWays() {
    std::string own;
    const auto ask = [&](const std::string& target, const std::string& body,
                         const client::Headers& headers = Credentials()) {
      return Ask(gateway_.url(), "POST", target, body, headers);
    };
    const std::string chat = "/v1/chat/completions";
    for (const char* place : {"/good", "/refuses", "/fails", "/lies", "/cut", "/gone"}) {
      const WireAnswer answer = ask(place + chat + "?key=planted-query-key", kPrompt);
      if (answer.status == 502) own += answer.body;
    }
    EXPECT_THAT(own, HasSubstr("error")) << "a connection that ends is an error of ours";
    for (const char* place : {"/good", "/refuses", "/fails", "/lies", "/cut", "/gone"}) {
      const WireAnswer answer = ask("/own" + (place + chat), kPrompt);
      if (answer.status == 502) own += answer.body;
    }
    const WireAnswer no_token = ask("/tokens/good/other" + chat, kPrompt);
    EXPECT_THAT(no_token.body, HasSubstr("it answered 400"));
    own += no_token.body;
    own += ask("/good" + chat, kPrompt, With("larder-ttl", "soon")).body;
    own += ask("/good" + chat, kPrompt, With("larder-odd", "1")).body;
    own += ask("/good" + chat, kPrompt, With("cache-control", "only-if-cached")).body;
    ask("/good" + chat, "{ \"planted-no-json");
    ask("/good" + chat, kPrompt, With("cache-control", "planted=1"));
    WireClient broken(gateway_.url());
    broken.Send("POST /planted HTTP/9.9\r\nauthorization: planted\r\n\r\n");
    own += broken.ReadToEnd();
    return own;
  }

  std::string Cachectl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), CACHECTL_PROGRAM);
    const ProgramEnd end =
        RunProgram({.words = std::move(arguments), .directory = gateway_.directory().path()});
    return end.out + end.err;
  }

  // Two providers with credentials of our own: one sends it, one gets no token for it.
  std::string OwnProviders() const {
    std::ofstream(secrets_ / "key") << "planted-own-key";
    const std::string url = upstream_.base_url();
    const std::string key = "\"${file:" + secrets_ / "key" + "}\"";
    return R"({"own": {"base_url": ")" + url + R"(", "auth": {"token": )" + key +
           R"(}}, "tokens": {"base_url": ")" + url +
           R"(", "auth": {"method": "oauth2", "client_id": "me", "client_secret": )" + key +
           R"(, "token_url": ")" + url + R"(/token"}}})";
  }

  const TempDir secrets_;
  FakeUpstream upstream_{Misbehave};
  // Uncompressed, so that what is stored can be seen.
  GatewayFixture gateway_{
      upstream_.base_url(),
      {{"cache", R"({"compression": {"level": 0}})"}, {"providers", OwnProviders()}}};
};

TEST_F(PlantedSecretsTest, NothingThatIsReadOfUsHasThem) {
  EXPECT_THAT(CallInAllWays(), Not(HasSubstr(kPlanted)));
  EXPECT_GE(gateway_.Counter("entries"), 1u);
  const std::vector<std::vector<std::string>> looks = {
      {"stats"},        {"stats", "--json"}, {"ls"},
      {"ls", "--json"}, {"config", "show"},  {"config", "show", "--json"}};
  for (const std::vector<std::string>& words : looks) {
    EXPECT_THAT(Cachectl(words), Not(HasSubstr(kPlanted))) << words[0];
  }
  const WireAnswer metrics = Ask(gateway_.url(), "GET", "/metrics");
  EXPECT_THAT(metrics.body, HasSubstr("larder_upstream_failed_attempts_total"));
  EXPECT_THAT(metrics.body, Not(HasSubstr(kPlanted)));
  gateway_.process().Signal(SIGTERM);
  const Ended ended = gateway_.process().Wait();
  EXPECT_EQ(ended.exit_status, 0);
  EXPECT_THAT(ended.out, Not(HasSubstr(kPlanted)));
  EXPECT_THAT(ended.err, Not(HasSubstr(kPlanted)));
  EXPECT_THAT(ended.err, HasSubstr("upstream failed")) << "the log told of the trouble";
  bool stored = false;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(gateway_.cache_directory())) {
    if (!file.is_regular_file()) continue;
    const std::string bytes = ReadAll(file.path());
    EXPECT_EQ(bytes.find(kPlanted), bytes.npos) << file.path();
    stored = stored || bytes.find(kStored) != bytes.npos;
  }
  EXPECT_TRUE(stored) << "this test must be able to see what is in the files";
}

TEST_F(PlantedSecretsTest, WhatWeCreateIsForItsOwnerOnly) {
  CallInAllWays();
  const std::filesystem::path cache = gateway_.cache_directory();
  const auto mode = [](const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  };
  EXPECT_EQ(mode(cache), 0700u) << "nobody else gets at anything under it";
  EXPECT_EQ(mode(cache / "state"), 0600u);
  EXPECT_EQ(mode(cache / "invalidations"), 0600u);
  EXPECT_EQ(mode(cache / "admin.sock"), 0600u);
  for (const auto& file : std::filesystem::recursive_directory_iterator(cache)) {
    EXPECT_EQ(mode(file.path()) & 022, 0u) << file.path();
  }
}

TEST_F(PlantedSecretsTest, GatewayThatIsKilledLeavesNoCore) {
  const pid_t pid = gateway_.process().pid();
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ::prlimit(pid, RLIMIT_CORE, &all, nullptr);
  gateway_.process().Signal(SIGABRT);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(WCOREDUMP(status));
  gateway_.process().Wait();
}

TEST(CoreDumpsTest, ProcessIsNotDumpableOnceTheyAreForbidden) {
  const pid_t child = ::fork();
  if (child == 0) {
    tools::ForbidCoreDumps();
    ::_exit(::prctl(PR_GET_DUMPABLE));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace larder::testing
