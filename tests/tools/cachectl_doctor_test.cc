// doctor: each thing that can be wrong is made so, and told with what to do.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cachectl_fixture.h"

namespace larder::cachectl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

void Overwrite(const std::string& file, std::size_t at, const std::string& bytes) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(at));
  out << bytes;
}

class CachectlDoctorTest : public ReachedCacheTest {
 protected:
  // What is said of `check` if that is wrong, with what to do; "ok" if nothing is.
  std::string Wrong(const std::string& check, int exit_status) {
    const ProgramEnd end = Run({"doctor", "--json"});
    EXPECT_EQ(end.exit_status, exit_status) << end.out << end.err;
    const json report = json::parse(end.out);
    EXPECT_EQ(report["ok"], exit_status == 0);
    for (const json& one : report["checks"]) {
      if (one["check"] != check || one["ok"] == json(true)) continue;
      EXPECT_NE(one["remedy"], "");
      return one["what"].get<std::string>() + " -> " + one["remedy"].get<std::string>();
    }
    return "ok";
  }
};

INSTANTIATE_TEST_SUITE_P(Every, CachectlDoctorTest, kEveryWay, HeldName);

TEST_P(CachectlDoctorTest, SoundCacheHasNothingWrong) {
  const ProgramEnd end = Run({"doctor"});
  EXPECT_EQ(end.exit_status, 0) << end.out << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("ok     directory: "), HasSubstr("mode 0700"),
                             HasSubstr("ok     formats: state 1, invalidations 3"),
                             HasSubstr("ok     store: serving"), HasSubstr("ok     clock: "),
                             HasSubstr("ok     disk: "), HasSubstr("nothing is wrong"),
                             Not(HasSubstr("WRONG"))));
  const bool held = GetParam() == Held::kByTheTest;
  EXPECT_THAT(end.out, HasSubstr(held ? "holder: process " + std::to_string(::getpid()) + " ("
                                      : "holder: no process has it open"));
}

TEST_P(CachectlDoctorTest, ModesThatLetOthersInAreTold) {
  fs::permissions(directory_, fs::perms(0755));
  EXPECT_THAT(Wrong("directory", 1), AllOf(HasSubstr("has mode 0755"), HasSubstr("-> chmod 700 ")));
  fs::permissions(directory_, fs::perms(0700));
  fs::permissions(directory_ + "/state", fs::perms(0644));
  EXPECT_THAT(Wrong("secret", 1), HasSubstr("-> chmod 600 "));
}

TEST_P(CachectlDoctorTest, QuarantineIsTold) {
  fs::create_directory(directory_ + "/quarantine");
  EXPECT_THAT(Wrong("quarantine", 4), HasSubstr("was moved to"));
}

TEST_P(CachectlDoctorTest, BudgetThatTheVolumeCannotHoldIsTold) {
  std::ofstream(dir_ / "config.json") << R"({"cache": {"max_disk_bytes": "9000TiB"}})";
  const ProgramEnd end = Run({"--config", "config.json", "doctor"});
  EXPECT_EQ(end.exit_status, 1) << end.out;
  EXPECT_THAT(end.out, HasSubstr("the volume is full before the cache is; to do: make room, or set "
                                 "cache.max_disk_bytes to "));
}

TEST_P(CachectlDoctorTest, ConfigurationThatIsRefusedIsTold) {
  std::ofstream(dir_ / "config.json") << R"({"cache": {"directori": "x"}})";
  ProgramEnd end = Plain({"doctor"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.out, HasSubstr("WRONG  configuration: ./config.json:1: /cache/directori: unknown "
                                 "key; nearest is \"directory\""));
  end = Run({"doctor", "--config", "config.json"});
  EXPECT_EQ(end.exit_status, 2) << "the rest is looked at all the same";
  EXPECT_THAT(end.out, HasSubstr("ok     store: serving"));
  std::ofstream(dir_ / "config.json") << R"({"admin": {"token": "${env:ABSENT_TOKEN}"}})";
  end = Run({"doctor", "--config", "config.json"});
  EXPECT_THAT(end.out, HasSubstr("WRONG  configuration: admin.token: "));
}

class CachectlDoctorDirectTest : public CachectlDoctorTest {};
INSTANTIATE_TEST_SUITE_P(Only, CachectlDoctorDirectTest, ::testing::Values(Held::kByNobody));

TEST_P(CachectlDoctorDirectTest, WhatIsNoCacheIsTold) {
  const ProgramEnd end = Plain({"--dir", dir_ / "absent", "doctor"});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_THAT(end.out, HasSubstr("is not a cache: it has no store"));
  EXPECT_FALSE(fs::exists(dir_ / "absent"));
  EXPECT_EQ(Plain({"--socket", dir_ / "absent", "doctor"}).exit_status, 3);
}

TEST_P(CachectlDoctorDirectTest, HolderWithoutASocketIsNamed) {
  OpenCache();
  EXPECT_THAT(Wrong("socket", 3), HasSubstr("serves no admin socket"));
  EXPECT_THAT(Run({"doctor"}).out, HasSubstr("process " + std::to_string(::getpid()) + " ("));
}

TEST_P(CachectlDoctorDirectTest, WhatALaterVersionWroteIsNotTouched) {
  Overwrite(directory_ + "/state", 13, "7");
  EXPECT_THAT(Wrong("formats", 4), AllOf(HasSubstr("state has version 7; this build reads up to 1"),
                                         HasSubstr("use the version")));
  std::ifstream state(directory_ + "/state");
  std::string line;
  std::getline(state, line);
  EXPECT_EQ(line, "larder state 7") << "to open the cache would have replaced it";
}

TEST_P(CachectlDoctorDirectTest, DamagedFilesAreTold) {
  Overwrite(directory_ + "/invalidations", 0, "damaged");
  Overwrite(directory_ + "/invalidations", 4096, "damaged");
  EXPECT_THAT(Wrong("formats", 4), HasSubstr("invalidations is damaged"));
}

TEST_P(CachectlDoctorDirectTest, StoreThatCannotBeReadIsToldAndLeftAsItIs) {
  Overwrite(directory_ + "/store/CURRENT", 0, "nonsense\n");
  EXPECT_THAT(Wrong("store", 4), HasSubstr("restore a backup"));
  EXPECT_TRUE(fs::exists(directory_ + "/store/CURRENT"));
  EXPECT_FALSE(fs::exists(directory_ + "/quarantine"));
}

TEST_P(CachectlDoctorDirectTest, WhatTheEngineComplainsOfWhenItOpensIsTold) {
  fs::remove(directory_ + "/invalidations");
  EXPECT_THAT(Wrong("store", 4),
              HasSubstr("invalidations is missing; all entries are invalidated"));
}

}  // namespace
}  // namespace larder::cachectl
