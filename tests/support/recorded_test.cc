#include "recorded.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

namespace larder::testing {
namespace {

TEST(RecordedTest, EveryRecordOfEveryFileIsThere) {
  const std::map<std::string, std::size_t> expected = {
      {"anthropic_messages.json", 303}, {"anthropic_messages.sse", 60},
      {"chat_completions.json", 653},   {"chat_completions.sse", 160},
      {"completions.json", 41},         {"completions.sse", 21},
      {"embeddings.json", 30},          {"errors", 40},
      {"responses.json", 314},          {"responses.sse", 68}};
  ASSERT_EQ(RecordedNames().size(), expected.size());
  for (const std::string& name : RecordedNames()) {
    EXPECT_EQ(LoadRecorded(name).size(), expected.at(name)) << name;
  }
}

TEST(RecordedTest, EveryRecordNamesItsSourceAndAPermissiveLicence) {
  const std::set<std::string> permissive = {"MIT", "Apache-2.0"};
  for (const std::string& name : RecordedNames()) {
    for (const RecordedExchange& exchange : LoadRecorded(name)) {
      EXPECT_NE(exchange.source, "");
      EXPECT_TRUE(permissive.contains(exchange.license)) << exchange.source;
    }
  }
}

TEST(RecordedTest, ARequestIsItsRecordedBytesAndATargetIsPathAndQuery) {
  const std::vector<RecordedExchange> chats = LoadRecorded("chat_completions.json");
  EXPECT_EQ(chats[0].target(), "/v1/chat/completions");
  EXPECT_TRUE(chats[0].request_body.starts_with(R"({"messages":[{"content":)"));
  EXPECT_EQ(chats[0].response_header("Content-Type"), "application/json");
}

TEST(RecordedTest, TheFilesTakeLessThanTwoMegabytes) {
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(LARDER_TEST_DATA_DIR "/recorded")) {
    bytes += file.file_size();
  }
  EXPECT_LT(bytes, 2'000'000U);
}

}  // namespace
}  // namespace larder::testing
