// cachectl monitor: hits and misses of a running larderd, as they happen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]})";

class LarderdMonitorTest : public ::testing::Test {
 protected:
  WireAnswer Chat(int number) const {
    return Ask(gateway_.url(), "POST", "/v1/chat/completions",
               R"({"model":"m","messages":[{"role":"user","content":"planted )" +
                   std::to_string(number) + "\"}]}",
               {{"authorization", "Bearer planted"}});
  }
  // Each prompt twice, until the monitor has seen enough; the last key of a hit.
  ProgramEnd Monitor(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {CACHECTL_PROGRAM, "--config", gateway_.config_file(), "monitor"});
    std::future<ProgramEnd> end =
        std::async(std::launch::async, [flags] { return RunProgram({.words = flags}); });
    for (int i = 0; end.wait_for(std::chrono::seconds(0)) != std::future_status::ready; ++i) {
      Chat(i);
      keys_.insert(KeyOf(Chat(i)));
    }
    return end.get();
  }
  static std::string KeyOf(const WireAnswer& answer) {
    const std::string status = answer.header("cache-status");
    return status.substr(status.find('"') + 1, 64);
  }

  std::set<std::string> keys_;
  FakeUpstream upstream_{
      [](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); }};
  GatewayFixture gateway_{upstream_.base_url()};
};

TEST_F(LarderdMonitorTest, MissItsStoreAndTheHitThatFollowsAreSeen) {
  const ProgramEnd end = Monitor({"--limit", "40", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  std::map<std::string, std::set<std::string>> kinds;  // by key
  std::istringstream lines(end.out);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const json event = json::parse(line);
    kinds[event["key"]].insert(event["event"]);
  }
  EXPECT_EQ(count, 40U);
  bool whole = false;
  for (const auto& [key, seen] : kinds) {
    EXPECT_TRUE(keys_.contains(key));
    whole = whole || seen == std::set<std::string>{"hit", "miss", "stored"};
  }
  EXPECT_TRUE(whole) << end.out;
  EXPECT_THAT(end.out, Not(HasSubstr("planted")));
}

TEST_F(LarderdMonitorTest, LinesForPeopleSayWhatWasSaved) {
  const ProgramEnd end = Monitor({"--limit", "20"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.err, HasSubstr("cachectl: watching"));
  EXPECT_THAT(end.out, HasSubstr("  miss, absent\n"));
  EXPECT_THAT(end.out, HasSubstr("  hit, from memory, saved "));
  EXPECT_THAT(end.out, HasSubstr("  stored, "));
}

TEST_F(LarderdMonitorTest, NobodyToLookAtIsTold) {
  gateway_.process().Signal(SIGTERM);
  gateway_.process().Wait();
  const ProgramEnd end =
      RunProgram({.words = {CACHECTL_PROGRAM, "--config", gateway_.config_file(), "monitor"}});
  EXPECT_EQ(end.exit_status, 3);
}

}  // namespace
}  // namespace larder::testing
