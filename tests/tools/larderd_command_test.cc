// larderd from the outside: its command line, its exit statuses, its beginning and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr const char* kNobody = "http://127.0.0.1:1";

class LarderdCommandTest : public ::testing::Test {
 protected:
  Ended Run(const std::vector<std::string>& arguments) {
    return LarderdProcess(directory_.path(), arguments).Wait();
  }
  // A configuration file that names this test's cache directory, and `text` besides.
  std::string Config(const std::string& text) {
    const std::string file = (directory_ / "config.json");
    std::ofstream(file) << text;
    return file;
  }
  std::string GoodConfig() {
    return Config(R"({"cache": {"directory": ")" + (directory_ / "data") + "\"}}");
  }

  TempDir directory_;
};

// One clear line, and nothing on stdout.
void ExpectRefusal(const Ended& ended, int exit_status, const std::string& says) {
  EXPECT_EQ(ended.exit_status, exit_status) << ended.err;
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, AllOf(StartsWith("larderd: "), HasSubstr(says)));
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
}

TEST_F(LarderdCommandTest, HelpAndVersionGoToStdout) {
  const Ended help = Run({"--help"});
  EXPECT_EQ(help.exit_status, 0);
  for (const char* flag : {"--config", "--listen", "--check"}) {
    EXPECT_THAT(help.out, HasSubstr(flag));
  }
  const Ended version = Run({"--version"});
  EXPECT_EQ(version.exit_status, 0);
  EXPECT_THAT(version.out, MatchesRegex("larderd [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(LarderdCommandTest, WrongUsageIsExitStatus2) {
  ExpectRefusal(Run({"--bogus"}), 2, "--bogus");
  ExpectRefusal(Run({"--confg", "x"}), 2, "; nearest is \"--config\"");
  ExpectRefusal(Run({"--config", GoodConfig(), "--chek=1"}), 2, "; nearest is \"--check\"");
  ExpectRefusal(Run({"surplus"}), 2, "surplus");
  ExpectRefusal(Run({"--config"}), 2, "--config");
  ExpectRefusal(Run({"--config", GoodConfig(), "--listen", "nowhere"}), 2, "nowhere");
}

TEST_F(LarderdCommandTest, WrongConfigurationIsExitStatus2AndNamesThePlace) {
  ExpectRefusal(Run({"--config", (directory_ / "none.json")}), 2, "none.json");
  ExpectRefusal(Run({"--config", Config("{\n  \"cache\": }")}), 2, "config.json:2");
  ExpectRefusal(Run({"--config", Config(R"({"cache": {"max_disk_byte": "1GiB"}})")}), 2,
                "max_disk_bytes");
  ExpectRefusal(Run({"--config", Config(R"({"cache": {"max_disk_bytes": "1MiB"}})")}), 2,
                "max_disk_bytes");
  ExpectRefusal(Run({"--config", Config(R"({"gateway": {"listen": "10.0.0.1"}})")}), 2, "listen");
}

TEST_F(LarderdCommandTest, CheckReadsTheConfigurationAndTouchesNothing) {
  const Ended good = Run({"--config", GoodConfig(), "--check"});
  EXPECT_EQ(good.exit_status, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("ok"));
  EXPECT_FALSE(std::filesystem::exists((directory_ / "data")));
  ExpectRefusal(Run({"--config", Config(R"({"cach": {}})"), "--check"}), 2, "cache");
}

TEST_F(LarderdCommandTest, DirectoryThatCannotBeIsExitStatus5) {
  std::ofstream((directory_ / "file")) << "in the way";
  const std::string config =
      Config(R"({"cache": {"directory": ")" + (directory_ / "file/data") + "\"}}");
  ExpectRefusal(Run({"--config", config, "--listen", "127.0.0.1:0"}), 5, "cache.directory");
}

TEST(LarderdTest, SaysOnceWhereItListensAndEndsWith0) {
  for (const int signal : {SIGTERM, SIGINT}) {
    GatewayFixture gateway(kNobody);
    EXPECT_THAT(gateway.url(), MatchesRegex("http://127\\.0\\.0\\.1:[1-9][0-9]*"));
    EXPECT_EQ(Ask(gateway.url(), "GET", "/healthz").status, 200) << "ready is ready";
    gateway.process().Signal(signal);
    const Ended ended = gateway.process().Wait();
    EXPECT_EQ(ended.exit_status, 0);
    EXPECT_EQ(ended.out, "listening on " + gateway.url() + "\n");
  }
}

TEST(LarderdTest, FlagGoesBeforeTheFile) {
  GatewayFixture gateway(kNobody,
                         {{"gateway", R"({"listen": "127.0.0.1:1"})"},
                          {"environments", "{}"},
                          {"cache", R"({"default_ttl": "1h"})"}},
                         {"--listen", "127.0.0.1:0"});
  EXPECT_EQ(Ask(gateway.url(), "GET", "/healthz").status, 200);
}

TEST(LarderdTest, PortInUseIsExitStatus3) {
  GatewayFixture gateway(kNobody);
  const std::string port = gateway.url().substr(gateway.url().rfind(':') + 1);
  TempDir other;
  std::ofstream((other / "config.json"))
      << R"({"cache": {"directory": ")" << (other / "data") << "\"}}";
  LarderdProcess second(other.path(), {"--listen", "127.0.0.1:" + port});
  ExpectRefusal(second.Wait(), 3, port);
  EXPECT_FALSE(std::filesystem::exists((other / "data/store"))) << "the store was touched";
}

TEST(LarderdTest, StoreHeldByAnotherIsExitStatus3) {
  GatewayFixture gateway(kNobody);
  LarderdProcess second(gateway.directory().path(),
                        {"--config", gateway.config_file(), "--listen", "127.0.0.1:0"});
  ExpectRefusal(second.Wait(), 3, "data");
  EXPECT_EQ(Ask(gateway.url(), "GET", "/healthz").status, 200) << "the first one goes on";
}

TEST(LarderdTest, CorruptStoreThatMayNotBeMovedAsideIsExitStatus4) {
  GatewayFixture gateway(kNobody, {{"cache", R"({"on_corruption": "fail"})"}});
  gateway.process().Signal(SIGTERM);
  gateway.process().Wait();
  std::ofstream(gateway.cache_directory() + "/store/CURRENT") << "garbage";
  LarderdProcess again(gateway.directory().path(), {"--config", gateway.config_file()});
  const Ended ended = again.Wait();
  EXPECT_EQ(ended.exit_status, 4) << ended.err;
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, HasSubstr("larderd: cache.directory: "));
}

TEST(LarderdTest, AdminSocketIsForTheOwnerAloneAndGoesWithTheProcess) {
  GatewayFixture gateway(kNobody);
  const std::string path = gateway.cache_directory() + "/admin.sock";
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0600);
  gateway.process().Signal(SIGTERM);
  gateway.process().Wait();
  EXPECT_NE(::stat(path.c_str(), &status), 0);
}

TEST(LarderdTest, OwnPagesAnswerAndUnknownOnesAreNotSentUpstream) {
  GatewayFixture gateway(kNobody);  // would be a 502
  WireClient caller(gateway.url());
  const WireAnswer health = caller.Ask("GET", "/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.header("content-type"), "application/json");
  EXPECT_EQ(caller.Ask("GET", "/readyz").body, R"({"status":"ready","degraded":false})");
  EXPECT_EQ(caller.Ask("HEAD", "/readyz?x").status, 200);
  const WireAnswer posted = caller.Ask("POST", "/healthz", "{}");
  EXPECT_EQ(posted.status, 405);
  EXPECT_EQ(posted.header("allow"), "GET, HEAD");
  EXPECT_EQ(caller.Ask("GET", "/larder/v1/nothing").status, 404);
  EXPECT_EQ(caller.Ask("GET", "/larder").status, 404);
  EXPECT_EQ(caller.Ask("GET", "/elsewhere").status, 502);
}

}  // namespace
}  // namespace larder::testing
