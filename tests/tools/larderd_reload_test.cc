// Changes of the configuration while larderd runs.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <thread>

#include "admin_client.h"
#include "fake_upstream.h"
#include "gate.h"
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

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kPrompt = R"({"model":"m","messages":[]})";

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
    return Ask(gateway_.url(), "POST", kChat, kPrompt).header("cache-status");
  }

  ~LarderdReloadTest() override { go_.Open(); }

  Gate begun_;
  Gate go_;
  // A stream waits amid it for `go_`.
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) {
    if (exchange.body.find("stream") == std::string::npos) {
      return exchange.Answer(200, "application/json", kAnswer);
    }
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n");
    begun_.Open();
    go_.Wait();
    exchange.Chunk(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n");
    exchange.EndChunks();
  }};
  GatewayFixture gateway_{upstream_.base_url()};
};

// On one connection: a stream under way ends as it began, what comes after it meets what is new,
// and another that is idle meanwhile stays as well.
class LarderdReloadKeepsTest : public LarderdReloadTest {
 protected:
  void ExpectKept(const std::string& patch, int number, const std::string& logged,
                  const std::string& status_after) {
    WireClient idle(gateway_.url());
    EXPECT_EQ(idle.Ask("GET", "/healthz").status, 200);
    WireClient caller(gateway_.url());
    caller.SendRequest("POST", kChat, R"({"model":"m","messages":[],"stream":true})");
    WireAnswer stream = caller.ReadHead();
    EXPECT_EQ(stream.header("cache-status"), "larder; fwd=miss");
    ASSERT_TRUE(caller.ReadUntil(stream, "\"a\""));
    Change(patch);
    if (number != 0) gateway_.process().Signal(number);
    ASSERT_TRUE(Logged(logged)) << gateway_.process().ErrorText();
    go_.Open();
    caller.ReadRest(stream);
    EXPECT_TRUE(stream.whole);
    EXPECT_THAT(stream.body, HasSubstr("[DONE]"));
    for (WireClient* connection : {&caller, &idle}) {
      const WireAnswer answer = connection->Ask("POST", kChat, kPrompt);
      EXPECT_NE(answer.status, 0);
      EXPECT_THAT(answer.header("cache-status"), HasSubstr(status_after));
    }
  }
};

TEST_F(LarderdReloadKeepsTest, ConnectionsWhenTheFileChanges) {
  ExpectKept(R"({"policy": [{"cache": false}]})", 0, "configuration changed", "detail=policy");
}

TEST_F(LarderdReloadKeepsTest, ConnectionsOnAHangUpSignal) {
  ExpectKept(R"({"policy": [{"cache": false}]})", SIGHUP, "configuration changed", "detail=policy");
}

TEST_F(LarderdReloadKeepsTest, ConnectionsToAProviderThatIsReplaced) {
  ExpectKept(R"({"providers": {"openai": {"base_url": "http://127.0.0.1:1",
                "retry": {"max_attempts": 1}}}})",
             0, "/providers/openai/base_url", "");
  EXPECT_EQ(Ask(gateway_.url(), "POST", kChat, kPrompt).status, 502);
}

TEST_F(LarderdReloadKeepsTest, ConnectionsWhereTheFileHasAMistake) {
  ExpectKept(R"({"policy": [{"chache": false}]})", SIGHUP, "configuration refused", "larder; ");
}

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

// As a manager of configurations lays it out: the file is in another folder, and changed there.
TEST_F(LarderdReloadTest, FileBehindALinkIsWatchedWhereverItLeads) {
  gateway_.process().Signal(SIGTERM);
  ASSERT_EQ(gateway_.process().Wait().exit_status, 0);
  const std::filesystem::path link = gateway_.config_file();
  const auto file_in = [&](const char* folder) { return link.parent_path() / folder / "real"; };
  std::filesystem::create_directory(file_in("one").parent_path());
  std::filesystem::create_directory(file_in("two").parent_path());
  std::filesystem::rename(link, file_in("one"));
  std::filesystem::copy(file_in("one"), file_in("two"));
  std::filesystem::create_symlink(file_in("one"), link);
  gateway_.Start();
  const auto change = [](const std::filesystem::path& file, const std::string& patch) {
    Json config = Json::parse(std::ifstream(file));
    config.merge_patch(Json::parse(patch));
    std::ofstream(file.string() + ".new") << config;
    std::filesystem::rename(file.string() + ".new", file);
  };
  change(file_in("one"), R"({"cache": {"default_ttl": "100s"}})");
  ASSERT_TRUE(Logged("/cache/default_ttl")) << gateway_.process().ErrorText();
  change(file_in("two"), R"({"cache": {"default_ttl": "100s", "ttl_jitter": 0.5}})");
  std::filesystem::create_symlink(file_in("two"), link.string() + ".new");
  std::filesystem::rename(link.string() + ".new", link);
  ASSERT_TRUE(Logged("/cache/ttl_jitter"));
  change(file_in("two"), R"({"cache": {"stale_if_error": "7s"}})");
  EXPECT_TRUE(Logged("/cache/stale_if_error"));
}

TEST_F(LarderdReloadTest, FolderThatIsNeverStillPutsNoChangeOff) {
  std::atomic<bool> noisy = true;
  std::thread noise([&] {
    while (noisy) std::ofstream(gateway_.directory() / "noise") << "x";
  });
  Change(R"({"policy": [{"cache": false}]})");
  EXPECT_TRUE(Logged("configuration changed"));
  noisy = false;
  noise.join();
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
  // The store takes it on a thread of its own, as its disk may hang.
  std::string other;
  for (int i = 0; i < 1000 && !std::regex_search(other, std::regex("ttl=(100|9[0-9]);")); ++i) {
    const std::string body = R"({"model":"n)" + std::to_string(i) + R"(","messages":[]})";
    for (const char* is : {"fwd=miss; stored", "hit"}) {
      other = Ask(gateway_.url(), "POST", "/v1/chat/completions", body).header("cache-status");
      EXPECT_THAT(other, HasSubstr(is));
    }
  }
  EXPECT_THAT(other, ::testing::ContainsRegex("ttl=(100|9[0-9]);"));
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

// Whoever may open the folder can lock it, and keep it so.
TEST_F(LarderdReloadTest, ChangeIsRefusedWhileAnotherHoldsTheFolder) {
  const std::string folder = std::filesystem::path(gateway_.config_file()).parent_path();
  const int held = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  const auto change = [this] {
    const auto answer = admin::CallAdmin(
        gateway_.cache_directory() + "/admin.sock",
        {.method = "PATCH", .path = "/v1/config", .body = R"({"policy": [{"cache": false}]})"});
    return answer.ok() ? answer->http_status : 0;
  };
  EXPECT_EQ(change(), 503);
  EXPECT_EQ(Ask(gateway_.url(), "GET", "/healthz").status, 200) << "a new connection is taken";
  ::flock(held, LOCK_UN);
  EXPECT_EQ(change(), 200);
  ::flock(held, LOCK_EX);
  EXPECT_EQ(change(), 503);
  gateway_.process().Signal(SIGTERM);
  EXPECT_EQ(gateway_.process().Wait().exit_status, 0);
  ::close(held);
}

TEST_F(LarderdReloadTest, HangUpSignalReadsTheFile) {
  gateway_.process().Signal(SIGHUP);
  EXPECT_TRUE(Logged("configuration unchanged")) << gateway_.process().ErrorText();
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss; stored"));
}

}  // namespace
}  // namespace larder::testing
