// What docs/embedding.md shows is what is compiled, and it does what the text says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "provider_stand_in.h"
#include "temp_dir.h"

namespace larder::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Finished {
  int exit_status = -1;
  std::string output;
};

Finished RunIn(const TempDir& directory, const std::string& variables, const std::string& program) {
  const std::string command = "cd " + directory.path() + " && env " + variables +
                              " " EMBEDDING_PROGRAMS "/embedding_" + program + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  Finished finished;
  std::array<char, 4096> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) {
    finished.output.append(piece.data(), size);
  }
  finished.exit_status = WEXITSTATUS(::pclose(pipe));
  return finished;
}

// `program`: with its arguments.
Finished RunProgram(const std::string& program, const TempDir& directory, const std::string& url) {
  return RunIn(directory, "LLM_KEY=sk-test LLM_URL=" + url, program);
}

// The first whole exchange of `file` whose answer has this text in it.
int Recording(const std::string& file, const std::string& has) {
  for (const RecordedExchange& exchange : LoadRecorded(file)) {
    const bool complete =
        exchange.status == 200 &&
        (!exchange.is_stream || exchange.response_body.find("data: [DONE]") != std::string::npos);
    if (complete && exchange.response_body.find(has) != std::string::npos) return exchange.index;
  }
  throw std::runtime_error("no such recording");
}

TEST(EmbeddingTest, ProgramsAreTheOnesThatAreCompiled) {
  const std::string manual = Read(LARDER_SOURCE_DIR "/docs/embedding.md");
  for (const char* program : {"generate", "stream", "decorators", "engine"}) {
    const std::string code =
        Read(std::string(LARDER_SOURCE_DIR "/tests/embedding/") + program + ".cc");
    EXPECT_THAT(manual, HasSubstr("```cpp\n" + code + "```")) << program;
  }
}

TEST(EmbeddingTest, GenerateAsksOnceAndTheCacheAfterARestart) {
  const ProviderStandIn provider({.port = 0, .pace = {}, .files = {"chat_completions.json"}});
  const int index = Recording("chat_completions.json", "\"usage\"");
  const std::string url =
      provider.url() + "/recorded/chat_completions.json/" + std::to_string(index);
  const TempDir directory;
  std::ofstream(directory / "config.json")
      << json({{"providers", {{"openai", {{"base_url", url}}}}}});
  const Finished first = RunProgram("generate", directory, url);
  EXPECT_EQ(first.exit_status, 0) << first.output;
  EXPECT_THAT(first.output, StartsWith("larder; fwd=miss"));
  EXPECT_THAT(first.output, HasSubstr(" tokens\n"));
  const Finished again = RunProgram("generate", directory, url);
  EXPECT_THAT(again.output, StartsWith("larder; hit"));
  EXPECT_EQ(again.output.substr(again.output.find('\n')),
            first.output.substr(first.output.find('\n')));
  EXPECT_EQ(provider.calls().total, 1U);
  EXPECT_THAT(RunProgram("generate forget", directory, url).output, StartsWith("larder; fwd=miss"));
  EXPECT_EQ(provider.calls().total, 2U);
}

TEST(EmbeddingTest, StreamShowsTheToolCall) {
  const ProviderStandIn provider({.port = 0, .pace = {}, .files = {"chat_completions.sse"}});
  const int index = Recording("chat_completions.sse", "\"finish_reason\":\"tool_calls\"");
  const std::string url =
      provider.url() + "/recorded/chat_completions.sse/" + std::to_string(index);
  const TempDir directory;
  const Finished finished = RunProgram("stream", directory, url);
  EXPECT_EQ(finished.exit_status, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("call "));
}

TEST(EmbeddingTest, DecoratorsOfOnesOwnAreCalledForEachAttempt) {
  const TempDir directory;
  const Finished lost = RunProgram("decorators", directory, "http://127.0.0.1:1");
  EXPECT_EQ(lost.exit_status, 0);
  EXPECT_THAT(lost.output, StartsWith("attempt 1\nattempt 2\nunavailable"));
  const ProviderStandIn provider({.port = 0, .pace = {}, .files = {"chat_completions.json"}});
  const std::string url = provider.url() + "/recorded/chat_completions.json/" +
                          std::to_string(Recording("chat_completions.json", "\"stop\""));
  EXPECT_EQ(RunProgram("decorators", directory, url).output,
            "attempt 1\n200 larder; fwd=miss; stored\n");
  EXPECT_THAT(RunProgram("decorators", directory, url).output, StartsWith("200 larder; hit"));
}

TEST(EmbeddingTest, EngineComputesOnceAndForgetsWhatIsInvalidated) {
  const TempDir directory;
  const Finished finished = RunProgram("engine", directory, "unused");
  EXPECT_EQ(finished.exit_status, 0) << finished.output;
  EXPECT_EQ(finished.output, "computing\n42\n42\nmiss\n");
}

TEST(EmbeddingTest, ProgramsSayWhatWentWrong) {
  const TempDir directory;
  const Finished finished = RunProgram("generate", directory, "unused");
  EXPECT_EQ(finished.exit_status, 1);
  EXPECT_THAT(finished.output, HasSubstr("config.json: cannot be read"));
  for (const char* program : {"generate", "stream", "decorators"}) {
    const Finished unset = RunIn(directory, "-u LLM_KEY -u LLM_URL", program);
    EXPECT_EQ(unset.exit_status, 2) << program;
    EXPECT_THAT(unset.output, StartsWith("set LLM_")) << program;
  }
}

}  // namespace
}  // namespace larder::testing
