// Changes of the configuration while larderd runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"Good day"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

class LarderdReloadTest : public ::testing::Test {
 protected:
  // Lays `patch` over the file, which is replaced in one step as editors do.
  void Change(const std::string& patch) {
    std::ifstream old(gateway_.config_file());
    Json config = Json::parse(old);
    config.merge_patch(Json::parse(patch));
    Write(config.dump(2));
  }
  void Write(const std::string& text) {
    const std::string next = gateway_.config_file() + ".new";
    std::ofstream(next) << text;
    std::filesystem::rename(next, gateway_.config_file());
  }
  // Waits until the log has it.
  bool Logged(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (gateway_.process().ErrorText().find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  std::string AskStatus() {
    return Ask(gateway_.url(), "POST", "/v1/chat/completions", R"({"model":"m","messages":[]})")
        .header("cache-status");
  }

  FakeUpstream upstream_{
      [](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); }};
  GatewayFixture gateway_{upstream_.base_url()};
};

TEST_F(LarderdReloadTest, ChangedFileIsTakenOver) {
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss; stored"));
  EXPECT_THAT(AskStatus(), HasSubstr("larder; hit"));
  Change(R"({"policy": [{"match": {"model": "m"}, "cache": false}]})");
  ASSERT_TRUE(Logged("configuration changed")) << gateway_.process().ErrorText();
  EXPECT_THAT(gateway_.process().ErrorText(), HasSubstr("/policy/0/cache"));
  // Each io thread takes it over when it comes round; a new connection may meet any.
  for (int i = 0; i < 8; ++i) EXPECT_THAT(AskStatus(), HasSubstr("detail=policy"));
  EXPECT_GE(upstream_.requests(), 9);
}

TEST_F(LarderdReloadTest, ProvidersComeAndGo) {
  Change(R"({"providers": {"new": {"base_url": ")" + upstream_.base_url() + R"(/new"}}})");
  ASSERT_TRUE(Logged("configuration changed"));
  EXPECT_EQ(Ask(gateway_.url(), "POST", "/new/v1/things", "{}").status, 200);
  Change(R"({"providers": {"new": null, "openai": {"base_url": "http://127.0.0.1:1",
            "retry": {"max_attempts": 1}}}})");
  ASSERT_TRUE(Logged("/providers/openai/retry/max_attempts")) << gateway_.process().ErrorText();
  EXPECT_EQ(Ask(gateway_.url(), "POST", "/v1/things", "{}").status, 502);
}

TEST_F(LarderdReloadTest, SizesAndLifetimesOfTheCacheChangeWhileItRuns) {
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss; stored"));
  Change(R"({"cache": {"default_ttl": "100s", "ttl_jitter": 0, "max_disk_bytes": "1GiB",
            "max_memory_bytes": "64MiB", "compression": {"level": 1}}})");
  ASSERT_TRUE(Logged("configuration changed")) << gateway_.process().ErrorText();
  EXPECT_THAT(gateway_.process().ErrorText(), HasSubstr("/cache/max_disk_bytes"));
  EXPECT_THAT(AskStatus(), HasSubstr("ttl=8")) << "what was stored before keeps its day";
  const auto ask_other = [this] {
    return Ask(gateway_.url(), "POST", "/v1/chat/completions", R"({"model":"n","messages":[]})")
        .header("cache-status");
  };
  EXPECT_THAT(ask_other(), HasSubstr("fwd=miss; stored"));
  EXPECT_THAT(ask_other(), ::testing::ContainsRegex("ttl=(100|9[0-9]);"));
}

TEST_F(LarderdReloadTest, ChangeThatNeedsARestartIsNotHalfApplied) {
  Change(R"({"policy": [{"cache": false}], "cache": {"max_body_bytes": "1MiB"}})");
  ASSERT_TRUE(Logged("needs a restart for /cache/max_body_bytes"));
  EXPECT_THAT(gateway_.process().ErrorText(), Not(HasSubstr("configuration changed")));
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss; stored"));
}

TEST_F(LarderdReloadTest, FileWithAMistakeLeavesTheLastGoodConfiguration) {
  Write("{\"policy\": [{\"chache\": false}]}");
  ASSERT_TRUE(Logged("configuration refused"));
  EXPECT_THAT(gateway_.process().ErrorText(), HasSubstr("/policy/0/chache: unknown key"));
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss; stored"));
  gateway_.process().Signal(SIGTERM);
  EXPECT_EQ(gateway_.process().Wait().exit_status, 0);
}

TEST_F(LarderdReloadTest, HangUpSignalReadsTheFile) {
  gateway_.process().Signal(SIGHUP);
  EXPECT_TRUE(Logged("configuration unchanged")) << gateway_.process().ErrorText();
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss; stored"));
}

}  // namespace
}  // namespace larder::testing
