// What the README shows is what is compiled, and it does what the README says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "provider_stand_in.h"
#include "temp_dir.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The first block fenced by ```cpp.
std::string CppBlock(const std::string& markdown) {
  const std::string fence = "```cpp\n";
  const std::size_t from = markdown.find(fence) + fence.size();
  return markdown.substr(from, markdown.find("```", from) - from);
}

struct Finished {
  int exit_status = -1;
  std::string output;
};

Finished RunExample(const std::string& directory, const std::string& url) {
  const std::string command =
      "cd " + directory + " && LLM_KEY=sk-test LLM_URL=" + url + " " LARDER_README_EXAMPLE " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  Finished finished;
  std::array<char, 4096> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) {
    finished.output.append(piece.data(), size);
  }
  finished.exit_status = WEXITSTATUS(::pclose(pipe));
  return finished;
}

TEST(ReadmeTest, TheExampleIsTheOneThatIsCompiled) {
  EXPECT_EQ(CppBlock(Read(LARDER_SOURCE_DIR "/README.md")),
            Read(LARDER_SOURCE_DIR "/tests/readme/readme_example.cc"));
}

TEST(ReadmeTest, TheExampleAsksTheProviderOnceAndTheCacheAfterARestart) {
  const ProviderStandIn provider({.port = 0, .pace = {}, .files = {"chat_completions.json"}});
  const std::string url = provider.url() + "/recorded/chat_completions.json/415";
  const std::string answer = LoadRecorded("chat_completions.json")[415].response_body;
  const TempDir directory;

  const Finished first = RunExample(directory.path(), url);
  EXPECT_EQ(first.exit_status, 0) << first.output;
  EXPECT_THAT(first.output, StartsWith("larder; fwd=miss"));
  EXPECT_THAT(first.output, HasSubstr(answer));

  const Finished again = RunExample(directory.path(), url);
  EXPECT_EQ(again.exit_status, 0) << again.output;
  EXPECT_THAT(again.output, StartsWith("larder; hit"));
  EXPECT_THAT(again.output, HasSubstr(answer));
  EXPECT_EQ(provider.calls().total, 1U);
}

TEST(ReadmeTest, TheExampleSaysWhatWentWrong) {
  const TempDir directory;
  const Finished finished = RunExample(directory.path(), "nonsense");
  EXPECT_EQ(finished.exit_status, 1);
  EXPECT_THAT(finished.output, HasSubstr("providers.openai"));
}

}  // namespace
}  // namespace larder::testing
