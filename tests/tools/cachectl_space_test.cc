// tags, dict and top, as people run them.
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cachectl_fixture.h"

namespace larder::cachectl {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<json> Lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

class CachectlSpaceTest : public ReachedCacheTest {
 protected:
  // As the process that holds the cache, if there is one; else as one that does for a moment.
  void PutMany(int count) {
    const bool held = cache_ != nullptr;
    if (!held) OpenCache();
    for (int i = 0; i < count; ++i) {
      const std::string body = "the model answers the question of " + std::to_string(i * 7919) +
                               " in the first place, as an example, consider " +
                               std::to_string(i * 104'729) + ", a function that returns " +
                               std::to_string(i * 1'299'709);
      ASSERT_OK(cache_->Put("key " + std::to_string(i), body));
    }
    if (!held) CloseCache();
  }
};

INSTANTIATE_TEST_SUITE_P(Every, CachectlSpaceTest, kEveryWay, HeldName);

TEST_P(CachectlSpaceTest, TagsAreCountedWithWhatTheyTakeTheLargestFirst) {
  ASSERT_EQ(Run({"put", "text:more", "--tag", "x", "--tag", "big"},
                {.words = {}, .input = std::string(100'000, 'b')})
                .exit_status,
            0);
  ProgramEnd end = Run({"tags", "--json"});
  ASSERT_EQ(end.exit_status, 0) << end.err;
  const std::vector<json> tags = Lines(end.out);
  ASSERT_EQ(tags.size(), 3u);
  std::map<std::string, json> by_name;
  for (const json& tag : tags) by_name[tag["tag"]] = tag;
  EXPECT_EQ(by_name["x"]["entries"], 2);
  EXPECT_EQ(by_name["x"]["raw_bytes"], 100'003);
  EXPECT_EQ(by_name["big"]["entries"], 1);
  EXPECT_LT(by_name["big"]["stored_bytes"], 10'000) << "it compresses";
  EXPECT_GE(tags[0]["stored_bytes"], tags[1]["stored_bytes"]);
  EXPECT_EQ(Lines(Run({"tags", "--json", "--limit", "1"}).out).size(), 1u);
  EXPECT_THAT(Run({"tags"}).out, HasSubstr("x  2 entries, "));
  EXPECT_EQ(Run({"tags", "--limit", "none"}).exit_status, 2);
}

TEST_P(CachectlSpaceTest, ADictionaryIsTrainedOfWhatIsStoredAndListed) {
  EXPECT_THAT(Run({"dict", "ls"}).out, IsEmpty());
  EXPECT_THAT(Run({"dict", "train"}).out, HasSubstr("too little is stored"));
  PutMany(900);
  ProgramEnd end = Run({"dict", "train", "--json"});
  ASSERT_EQ(end.exit_status, 0) << end.err;
  const json training = json::parse(end.out);
  EXPECT_EQ(training["adopted"], true) << end.out;
  EXPECT_LT(training["trained_bytes"], training["current_bytes"]);
  end = Run({"dict", "ls", "--json"});
  const std::vector<json> dictionaries = Lines(end.out);
  ASSERT_EQ(dictionaries.size(), 1u) << end.out;
  EXPECT_EQ(dictionaries[0]["writing"], true);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/dict/" +
                                      dictionaries[0]["id"].get<std::string>() + ".dict"));
  EXPECT_THAT(Run({"dict", "ls"}).out, HasSubstr("what is stored now is compressed with it"));
}

TEST_P(CachectlSpaceTest, TopShowsRatesOfARunningCacheOnly) {
  if (GetParam() == Held::kByNobody) {
    const ProgramEnd end = Run({"top", "--times", "1"});
    EXPECT_EQ(end.exit_status, 3);
    EXPECT_THAT(end.err, HasSubstr("see cachectl stats"));
    return;
  }
  ProgramEnd end = Run({"top", "--times", "2", "--interval", "20ms"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(ContainsRegex("state +serving, space: calm"),
                             ContainsRegex("reads +0.0/s"), ContainsRegex("entries +2, ")));
  end = Run({"top", "--times", "2", "--interval", "20ms", "--json"});
  const std::vector<json> looks = Lines(end.out);
  ASSERT_EQ(looks.size(), 2u);
  EXPECT_EQ(looks[1]["hits_per_second"], 0);
  EXPECT_EQ(looks[1]["entries"], 2);
  EXPECT_EQ(Run({"top", "--interval", "soon"}).exit_status, 2);
}

TEST_P(CachectlSpaceTest, StatsSayHowSpaceStandsInWords) {
  const ProgramEnd end = Run({"stats"});
  EXPECT_THAT(end.out, AllOf(ContainsRegex("pressure +calm"), ContainsRegex("merges wrote +0 B"),
                             HasSubstr("dead, not given back")));
}

}  // namespace
}  // namespace larder::cachectl
