#include "usage_filter.h"

#include <gtest/gtest.h>

#include <random>

#include "openai.h"

namespace larder::client {
namespace {

const std::string kUsage = R"(data: {"choices":[],"usage":{"prompt_tokens":1}})";

std::string Filtered(const std::vector<std::string>& pieces) {
  UsageFilter filter(OpenAiChat());
  std::string out;
  for (const std::string& piece : pieces) out += filter.Feed(piece);
  return out + filter.Rest();
}

std::string WithEnds(std::string text, const std::string& end) {
  std::string out;
  for (const char c : text) out += c == '\n' ? end : std::string(1, c);
  return out;
}

TEST(UsageFilterTest, OnlyTheEventThatReportsUsageIsLeftOutHoweverTheStreamIsCut) {
  const std::string before =
      ": PROCESSING\n\nid: 7\nevent: x\ndata:{\"choices\":[{\"delta\":{}}],\"usage\":null}\n\n\n";
  const std::string after = "retry: 5\n\n: in\ndata: [DONE]\n\n";
  std::mt19937 random(1);
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const std::string stream = WithEnds(before + kUsage + "\n\n" + after, end);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::string> pieces;
      for (std::size_t at = 0; at < stream.size();) {
        const std::size_t count = 1 + random() % (round % 2 == 0 ? 3 : 60);
        pieces.push_back(stream.substr(at, count));
        at += count;
      }
      ASSERT_EQ(Filtered(pieces), WithEnds(before + after, end)) << "round " << round;
    }
  }
}

TEST(UsageFilterTest, LastEventNeedsNoBlankLine) {
  EXPECT_EQ(Filtered({kUsage}), "");
  EXPECT_EQ(Filtered({kUsage + "\n"}), "");
  EXPECT_EQ(Filtered({"data: [DONE]\n"}), "data: [DONE]\n");
  EXPECT_EQ(Filtered({"data: cut in the mid"}), "data: cut in the mid");
  EXPECT_EQ(Filtered({}), "");
}

TEST(UsageFilterTest, NothingIsHeldBackLongerThanItMustBe) {
  UsageFilter filter(OpenAiChat());
  EXPECT_EQ(filter.Feed(": still here\n"), ": still here\n");
  EXPECT_EQ(filter.Feed("data: 1\n"), "");
  EXPECT_EQ(filter.Feed("\nda"), "data: 1\n\n");
  EXPECT_EQ(filter.Feed("ta: 2\r\r"), "data: 2\r\r");
  EXPECT_EQ(filter.Feed("\n"), "\n");  // of the same line's end
  EXPECT_EQ(filter.Feed("\n"), "\n");
}

}  // namespace
}  // namespace larder::client
