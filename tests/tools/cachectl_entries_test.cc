// put, touch and ls, as people run them.
#include <nlohmann/json.hpp>

#include "cachectl_fixture.h"

namespace larder::cachectl {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CachectlEntriesTest : public ReachedCacheTest {
 protected:
  // The keys that `ls ARGUMENTS --keys-only` prints.
  std::vector<std::string> Keys(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ls");
    arguments.push_back("--keys-only");
    const ProgramEnd end = Run(std::move(arguments));
    EXPECT_EQ(end.exit_status, 0) << end.err;
    std::vector<std::string> keys;
    std::istringstream lines(end.out);
    for (std::string line; std::getline(lines, line);) keys.push_back(line);
    return keys;
  }
  json Meta(const std::string& key) {
    return json::parse(Run({"get", key, "--meta", "--json"}).out);
  }
};

INSTANTIATE_TEST_SUITE_P(Every, CachectlEntriesTest, kEveryWay, HeldName);

TEST_P(CachectlEntriesTest, PutStoresStdinOrAFileWithWhatIsSaidOfIt) {
  const std::string bytes("v\0\xff\n", 4);
  ProgramEnd end =
      Run({"put", "text:k", "--ttl", "7d", "--tag", "a", "--tag", "b c", "--cost", "42"},
          {.words = {}, .input = bytes});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "stored text:k\n");
  EXPECT_EQ(Run({"get", "text:k"}).out, bytes);
  const json meta = Meta("text:k");
  EXPECT_EQ(meta["tags"], json({"a", "b c"}));
  EXPECT_EQ(meta["cost"], 42);
  EXPECT_GT(meta["ttl_ms"], 6 * 86'400'000);

  std::ofstream(dir_ / "file") << "from the file";
  end = Run({"put", "text:k", "--file", "file", "--json"});
  EXPECT_EQ(json::parse(end.out), json({{"key", "text:k"}, {"stored", true}}));
  EXPECT_EQ(Run({"get", "text:k"}).out, "from the file");
}

TEST_P(CachectlEntriesTest, PutOfWhatCannotBeIsTold) {
  EXPECT_EQ(Run({"put", "text:k", "--ttl", "soon"}).exit_status, 2);
  EXPECT_EQ(Run({"put", "text:k", "--cost", "-1"}).exit_status, 2);
  EXPECT_EQ(Run({"put", "text:k", "--tag", ""}).exit_status, 2);
  EXPECT_EQ(Run({"get", "text:k"}).exit_status, 1);
}

TEST_P(CachectlEntriesTest, TouchGivesANewLifetime) {
  ProgramEnd end = Run({"touch", "text:plain", "--ttl", "90d"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "touched text:plain\n");
  EXPECT_GT(Meta("text:plain")["ttl_ms"], std::int64_t{89} * 86'400'000);
  EXPECT_EQ(Run({"touch", "text:plain", "--ttl", "never"}).exit_status, 0);
  EXPECT_EQ(Meta("text:plain")["ttl_ms"], nullptr);
  end = Run({"touch", "text:absent", "--ttl", "1h"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_EQ(end.err, "cachectl: no entry text:absent\n");
}

TEST_P(CachectlEntriesTest, ListGivesEntriesByKey) {
  const ProgramEnd end = Run({"ls"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("text:answer  "), HasSubstr(" old, fresh for "),
                             HasSubstr("text:plain  "), HasSubstr(", x\n")));
  EXPECT_THAT(Keys({}), ElementsAre("text:answer", "text:plain"));
  EXPECT_THAT(Keys({"--limit", "1"}), ElementsAre("text:answer"));
  EXPECT_THAT(Keys({"--tag", "x"}), ElementsAre("text:plain"));
  EXPECT_THAT(Keys({"--prefix", "text:pl"}), ElementsAre("text:plain"));
  EXPECT_THAT(Keys({"--prefix", "706c"}), ElementsAre("text:plain")) << "pl, in hex";
  EXPECT_THAT(Keys({"--state", "stale"}), IsEmpty());
  EXPECT_EQ(Run({"ls", "--state", "old"}).exit_status, 2);
}

TEST_P(CachectlEntriesTest, ListAsJsonIsAnObjectALine) {
  std::istringstream lines(Run({"ls", "--json"}).out);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const json answer = json::parse(line);
  EXPECT_EQ(answer["key"], "text:answer");
  EXPECT_EQ(answer["raw_bytes"], std::string(kAnswer).size());
  for (const char* name : {"age_ms", "ttl_ms", "stored_bytes", "tags", "cost", "hits", "state"}) {
    EXPECT_TRUE(answer.contains(name)) << name;
  }
  EXPECT_TRUE(std::getline(lines, line));
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_P(CachectlEntriesTest, ListSortsByWhatIsAsked) {
  const auto put = [this](const char* key, const std::string& body, const char* cost) {
    Run({"put", key, "--cost", cost}, {.words = {}, .input = body});
  };
  put("text:small", "s", "5");
  put("text:large", std::string(5'000, 'l') + std::to_string(::getpid()), "1");
  EXPECT_THAT(Keys({"--sort", "cost", "--limit", "2"}), ElementsAre("text:small", "text:large"));
  EXPECT_EQ(Keys({"--sort", "age"}).back(), "text:plain") << "the oldest, put first";
  EXPECT_EQ(Keys({"--sort", "hits"}).size(), 4U);
  const std::vector<std::string> by_size = Keys({"--sort", "size"});
  ASSERT_EQ(by_size.size(), 4U);
  EXPECT_EQ(by_size.front(), "text:answer");
}

TEST_P(CachectlEntriesTest, LookingLeavesNoTrace) {
  const auto reads = [this] {
    const json stats = json::parse(Run({"stats", "--json"}).out);
    return stats["hits"].get<int>() + stats["misses"].get<int>();
  };
  const int before = reads();
  Run({"ls"});
  Run({"get", "text:plain"});
  Run({"get", "text:absent"});
  EXPECT_EQ(reads(), before);
}

TEST_P(CachectlEntriesTest, InvalidateByPrefixCoversTheKeysThatBeginSo) {
  ProgramEnd end = Run({"invalidate", "--prefix", "text:pl", "--dry-run", "--count"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "would invalidate every entry whose key begins with text:pl: 1 now\n");
  EXPECT_TRUE(Has("plain"));
  end = Run({"invalidate", "--prefix", "706c"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("invalidated every entry whose key begins with 706c (number "));
  EXPECT_FALSE(Has("plain"));
  EXPECT_TRUE(Has("answer"));
  EXPECT_THAT(Run({"explain", "text:plain"}).out,
              HasSubstr("keys from text:pl on were invalidated"));
  const json report =
      json::parse(Run({"invalidate", "--prefix", "text:a", "--json", "--count"}).out);
  EXPECT_EQ(report["covered"], 1);
  EXPECT_GT(report["number"], 0);
  EXPECT_FALSE(Has("answer"));
}

TEST_P(CachectlEntriesTest, SoftInvalidationOnlyEndsFreshness) {
  Run({"put", "text:none", "--tag", "x"}, {.words = {}, .input = "v"});
  Run({"put", "text:other", "--tag", "z"}, {.words = {}, .input = "v"});
  const ProgramEnd end = Run({"invalidate", "--tag", "x", "--tag", "z", "--soft", "--count"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("made stale every entry with tag \"x\" or \"z\" (number "),
                             HasSubstr(": 3 now\n")));
  EXPECT_THAT(Run({"explain", "text:plain"}).out, HasSubstr("by a soft invalidation, number "));
  EXPECT_THAT(Keys({"--state", "fresh"}), ElementsAre("text:answer"));
}

TEST_P(CachectlEntriesTest, StatsShowEveryNumberThatThereIs) {
  const json stats = json::parse(Run({"stats", "--json"}).out);
  EXPECT_EQ(stats["state"], "serving");
  EXPECT_EQ(stats["fault_episodes"], 0);
  EXPECT_GT(stats["now_unix_ms"], 1'700'000'000'000);
  const std::string shown = Run({"stats"}).out;
  EXPECT_THAT(shown, AllOf(HasSubstr("state"), HasSubstr("serving"), HasSubstr("  episodes"),
                           HasSubstr("  to quarantine")));
  // One line for each number, but for the clock, and one for the state; headings have no value.
  std::istringstream lines(shown);
  std::size_t values = 0;
  for (std::string line; std::getline(lines, line);) values += line.find("  ", 3) != line.npos;
  std::size_t numbers = 0;
  for (const json& value : stats) numbers += value.is_number() ? 1 : 0;
  EXPECT_EQ(values, numbers - 2 + 1) << "without now and since";
}

}  // namespace
}  // namespace larder::cachectl
