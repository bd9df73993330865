// The commands of docs/operations.md that lead from an API key on paper to a running gateway, run
// as they stand there, on a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fake_upstream.h"
#include "run_on_terminal.h"
#include "temp_dir.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The lines of the first block after the heading.
std::vector<std::string> Commands() {
  std::istringstream text(ReadAll(LARDER_SOURCE_DIR "/docs/operations.md"));
  std::vector<std::string> commands;
  bool section = false;
  bool block = false;
  for (std::string line; std::getline(text, line);) {
    if (line == "## From an API key on paper to a running gateway") section = true;
    const bool fence = line.starts_with("```");
    if (block && fence) return commands;
    if (block) commands.push_back(line);
    block = block || (section && fence);
  }
  return {};
}

class KeyOnPaperTest : public ::testing::Test {
 protected:
  // The shipped configuration, but for the provider's address and a free port.
  KeyOnPaperTest() {
    Json config = Json::parse(ReadAll(LARDER_SOURCE_DIR "/config.json"));
    config["providers"]["openai"]["base_url"] = provider_.base_url();
    config["gateway"]["listen"] = "127.0.0.1:0";
    std::ofstream(directory_ / "config.json") << config.dump(2);
  }

  ProgramEnd Run(const std::string& command, const Conversation& conversation) const {
    const auto folder = [](const char* program) {
      return std::filesystem::path(program).parent_path().string();
    };
    return TalkOnTerminal(
        {.words = {"/bin/sh", "-c", "exec " + command},
         .directory = directory_.path(),
         .environment = {{"PATH", folder(CACHECTL_PROGRAM) + ":" + folder(LARDERD_PROGRAM) +
                                      ":/usr/bin:/bin"}}},
        conversation);
  }
  static Typist Type(const std::string& text) {
    return [text](const std::string&) { return text; };
  }
  // A chat without a credential of the caller's, and then Ctrl-C.
  Typist AskAndStop() {
    return [this](const std::string& shown) {
      const std::size_t from = shown.find("http://");
      const std::string url = shown.substr(from, shown.find_first_of("\r\n", from) - from);
      answer_ = Ask(url, "POST", "/v1/chat/completions",
                    R"({"model":"m","messages":[{"role":"user","content":"hi"}]})",
                    {{"content-type", "application/json"}});
      return std::string("\003");
    };
  }

  std::mutex mutex_;
  std::vector<std::string> authorizations_;
  FakeUpstream provider_{[this](UpstreamExchange& exchange) {
    const std::lock_guard lock(mutex_);
    authorizations_.push_back(exchange.header("authorization"));
    exchange.Answer(200, "application/json",
                    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":)"
                    R"([{"index":0,"message":{"role":"assistant","content":"hello"},)"
                    R"("finish_reason":"stop"}]})");
  }};
  const TempDir directory_;
  WireAnswer answer_;
};

TEST_F(KeyOnPaperTest, ThreeCommandsLeadToAGatewayThatSendsTheKey) {
  const std::vector<std::string> commands = Commands();
  ASSERT_EQ(commands.size(), 3u);
  ProgramEnd end =
      Run(commands[0], {{"new passphrase for ./larder-vault: ", Type("correct horse\n")},
                        {"once more: ", Type("correct horse\n")},
                        {"value of openai: ", Type("sk-on-paper\n")}});
  ASSERT_EQ(end.exit_status, 0) << end.out;
  end = Run(commands[1], {});
  ASSERT_EQ(end.exit_status, 0) << end.out;
  end = Run(commands[2], {{"passphrase of ./larder-vault: ", Type("correct horse\n")},
                          {"listening on http://", Type("")},
                          {"\n", AskAndStop()}});
  EXPECT_EQ(end.exit_status, 0) << end.out;
  EXPECT_EQ(answer_.status, 200) << answer_.body;
  EXPECT_THAT(answer_.body, HasSubstr("hello"));
  EXPECT_THAT(authorizations_, ElementsAre("Bearer sk-on-paper"));
  EXPECT_THAT(end.out, Not(HasSubstr("sk-on-paper")));
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (!file.is_regular_file()) continue;
    EXPECT_THAT(ReadAll(file.path()), Not(HasSubstr("sk-on-paper"))) << file.path();
  }
}

}  // namespace
}  // namespace larder::testing
