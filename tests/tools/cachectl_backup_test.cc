// backup, restore, verify and compact, as people run them.
#include <rocksdb/db.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cachectl_fixture.h"
#include "run_on_terminal.h"

namespace larder::cachectl {
namespace {

namespace fs = std::filesystem;
using larder::testing::RunOnTerminal;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class CachectlBackupTest : public ReachedCacheTest {
 protected:
  ProgramEnd BackUp(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"backup", "backups"});
    ProgramEnd end = Run(std::move(flags));
    EXPECT_EQ(end.exit_status, 0) << end.err;
    return end;
  }
  void Flip(const fs::path& path, std::size_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x41));
  }
  // The largest file of a folder whose name ends so.
  fs::path Largest(const std::string& folder, const std::string& end) {
    fs::path largest;
    for (const auto& item : fs::recursive_directory_iterator(folder)) {
      const bool wanted = item.is_regular_file() && item.path().string().ends_with(end);
      if (wanted && (largest.empty() || item.file_size() > fs::file_size(largest))) {
        largest = item.path();
      }
    }
    EXPECT_FALSE(largest.empty()) << folder << " " << end;
    return largest;
  }
};

INSTANTIATE_TEST_SUITE_P(Every, CachectlBackupTest, kEveryWay, HeldName);

TEST_P(CachectlBackupTest, BackupIsMadeListedVerifiedAndRestored) {
  EXPECT_THAT(BackUp().out, AllOf(HasSubstr("made backup 1, 20"), HasSubstr(" UTC, ")));
  Run({"put", "text:later"}, {.words = {}, .input = "later"});
  const json second = json::parse(BackUp({"--json"}).out);
  EXPECT_EQ(second["id"], 2);
  EXPECT_EQ(fs::status(dir_ / "backups").permissions(), fs::perms(0700));

  ProgramEnd end = Plain({"backup", "backups", "--list"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("backup 1, "), HasSubstr("backup 2, ")));
  end = Plain({"backup", "backups", "--list", "--json"});
  EXPECT_EQ(json::parse(end.out.substr(end.out.find('\n'))), second) << "an object a line";
  end = Plain({"verify", "--backup", "backups"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "the newest backup in backups is sound\n");
  end = Plain({"verify", "--backup", "backups", "--id", "1", "--json"});
  EXPECT_EQ(json::parse(end.out), json({{"directory", "backups"}, {"id", 1}, {"ok", true}}));

  EXPECT_EQ(Run({"invalidate", "--tag", "x"}).exit_status, 0);
  CloseCache();
  end = Run({"restore", "backups", "--id", "1"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("restored backup 1, "));
  EXPECT_FALSE(Has("later")) << "came after it";
  EXPECT_TRUE(Has("answer"));
  EXPECT_FALSE(Has("plain")) << "the ledger of the cache that was replaced stays in force";
}

// Committed, and none of its parts in place.
TEST_P(CachectlBackupTest, RestoreThatWasCutOffIsFinishedByWhoeverLooks) {
  CloseCache();
  const fs::path ready = directory_ + "/restore.ready";
  fs::create_directory(ready);
  for (const char* part : {"store", "invalidations", "state"}) {
    fs::rename(directory_ + "/" + part, ready / part);
  }
  EXPECT_TRUE(Has("answer"));
  EXPECT_FALSE(fs::exists(ready));
}

TEST_P(CachectlBackupTest, OldBackupsGiveWay) {
  for (int i = 0; i < 3; ++i) BackUp({"--keep", "2"});
  const ProgramEnd end = Plain({"backup", "backups", "--list", "--json"});
  EXPECT_THAT(end.out, ::testing::StartsWith("{\"id\":2,"));
}

TEST_P(CachectlBackupTest, RestoreElsewhereSaysWhatIsUnknownAndAsks) {
  BackUp();
  ProgramEnd end = Plain({"--dir", dir_ / "elsewhere", "restore", "backups"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, AllOf(HasSubstr("invalidations and removals after 20"),
                             HasSubstr("not of the backup's descent"), HasSubstr("give --yes")));
  EXPECT_FALSE(fs::exists(dir_ / "elsewhere"));
  end = Plain({"--dir", dir_ / "elsewhere", "restore", "backups", "--yes", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  const json restored = json::parse(end.out);
  EXPECT_EQ(restored["ledger_kept"], false);
  EXPECT_EQ(restored["removals_known"], false);
  EXPECT_THAT(end.err, HasSubstr("invalidate what has changed since"));
  EXPECT_EQ(Plain({"--dir", dir_ / "elsewhere", "get", "text:answer"}).out, kAnswer);
}

TEST_P(CachectlBackupTest, RestoreThatWouldUndoARemovalAsks) {
  BackUp();
  EXPECT_EQ(Run({"rm", "text:plain"}).exit_status, 0);
  CloseCache();
  const ProgramEnd end = Run({"restore", "backups"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("cachectl: removals after 20"));
  EXPECT_FALSE(Has("plain"));
  EXPECT_EQ(Run({"restore", "backups", "--yes"}).exit_status, 0);
  EXPECT_TRUE(Has("plain"));
}

TEST_P(CachectlBackupTest, NothingIsRestoredUnderAProcessThatHoldsTheCache) {
  BackUp();
  if (cache_ == nullptr) OpenCache();
  const ProgramEnd end = Run({"restore", "backups", "--yes"});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_THAT(end.err, HasSubstr("is held by another process"));
  EXPECT_EQ(Plain({"--socket", "s", "restore", "backups"}).exit_status, 2);
}

TEST_P(CachectlBackupTest, WhatIsNoBackupIsTold) {
  fs::create_directory(dir_ / "empty");
  CloseCache();
  for (const std::string& directory : {std::string("empty"), std::string("absent"), directory_}) {
    ProgramEnd end = Run({"restore", directory, "--yes"});
    EXPECT_EQ(end.exit_status, 1) << end.err;
    EXPECT_THAT(end.err, HasSubstr("no backups in " + directory));
    EXPECT_EQ(Plain({"backup", directory, "--list"}).exit_status, 1);
    EXPECT_EQ(Plain({"verify", "--backup", directory}).exit_status, 1);
  }
  EXPECT_TRUE(Has("answer")) << "nothing was changed";
  BackUp();
  EXPECT_EQ(Run({"restore", "backups", "--id", "9"}).exit_status, 1);
  EXPECT_EQ(Run({"restore", "backups", "--id", "0"}).exit_status, 2);
  EXPECT_EQ(Run({"backup", "backups", "--keep", "-1"}).exit_status, 2);
  ProgramEnd end = Run({"backup", directory_ + "/within"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("is within the cache's directory"));
  std::ofstream(dir_ / "empty/file") << "mine";
  end = Plain({"--dir", dir_ / "empty", "restore", "backups", "--yes"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("holds something that is not a cache"));
}

TEST_P(CachectlBackupTest, DamagedBackupIsFoundAndNotRestored) {
  BackUp();
  Flip(Largest(dir_ / "backups/rows", ".sst"), 40);
  ProgramEnd end = Plain({"verify", "--backup", "backups", "--json"});
  EXPECT_EQ(end.exit_status, 4);
  EXPECT_EQ(json::parse(end.out)["ok"], false);
  EXPECT_THAT(end.err, HasSubstr("the newest backup is damaged"));
  CloseCache();
  end = Run({"restore", "backups", "--yes"});
  EXPECT_EQ(end.exit_status, 4) << end.err;
  EXPECT_TRUE(Has("answer")) << "the cache is as it was";
}

TEST_P(CachectlBackupTest, VerifyReadsEverything) {
  ProgramEnd end = Run({"verify"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("2 entries, "));
  CloseCache();
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), directory_ + "/store", &db).ok());
  ASSERT_TRUE(db->Put({}, "broken", "these are not the bytes of a record").ok());
  delete db;
  OpenCache();
  if (GetParam() == Held::kByTheTest) Serve();
  if (GetParam() == Held::kByNobody) CloseCache();
  end = Run({"verify", "--json"});
  EXPECT_EQ(end.exit_status, 4);
  const json sums = json::parse(end.out);
  EXPECT_EQ(sums["entries"], 2);
  EXPECT_EQ(sums["corrupt"], 1);
  EXPECT_EQ(sums["ok"], false);
  EXPECT_EQ(sums["raw_bytes"], std::string(kAnswer).size() + 3);
  end = Run({"explain", "text:broken"});
  EXPECT_EQ(end.exit_status, 4);
  EXPECT_THAT(end.out, HasSubstr("its row is damaged"));
  end = Run({"export", "rest.jsonl"});
  EXPECT_EQ(end.exit_status, 4) << "the rest is there";
  EXPECT_THAT(end.out, HasSubstr("exported 2 entries"));
  EXPECT_EQ(Run({"verify", "--id", "1"}).exit_status, 2);
}

TEST_P(CachectlBackupTest, VerifyTellsDamageThatHidesEntries) {
  EXPECT_EQ(Run({"compact"}).exit_status, 0);
  CloseCache();
  Flip(Largest(directory_ + "/store", ".sst"), 40);
  OpenCache();
  if (GetParam() == Held::kByTheTest) Serve();
  if (GetParam() == Held::kByNobody) CloseCache();
  const ProgramEnd end = Run({"verify"});
  EXPECT_EQ(end.exit_status, 4) << end.out << end.err;
  EXPECT_THAT(end.err, HasSubstr("damage that hides all behind it"));
}

TEST_P(CachectlBackupTest, CompactReclaims) {
  EXPECT_EQ(Run({"invalidate", "--all", "--yes"}).exit_status, 0);
  const ProgramEnd end = Run({"compact", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(json::parse(end.out)["entries"], 0);
}

TEST_P(CachectlBackupTest, CompactShowsOnATerminalHowFarItHasCome) {
  const ProgramEnd end = RunOnTerminal(
      {.words = {CACHECTL_PROGRAM, "--dir", directory_, "compact"}, .directory = dir_.path()}, {});
  EXPECT_EQ(end.exit_status, 0) << end.out;
  EXPECT_THAT(end.out, AllOf(HasSubstr("compacting  ["), HasSubstr(" of ")));
  EXPECT_THAT(end.out, HasSubstr("compacted: "));
  EXPECT_THAT(Run({"compact"}).err, ::testing::IsEmpty()) << "no terminal";
}

TEST_P(CachectlBackupTest, ExplainSaysWhyAKeyIsAHitOrAMiss) {
  ProgramEnd end = Run({"explain", "text:plain"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("text:plain"), HasSubstr("a hit: fresh for 23 h 59 min")));
  const json before = json::parse(Run({"explain", "text:plain", "--json"}).out);
  EXPECT_EQ(before["why"], "fresh");
  EXPECT_EQ(before["rule_number"], 0);

  Run({"invalidate", "--tag", "x"});
  end = Run({"explain", "text:plain"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.out, HasSubstr("a miss: tag \"x\" was invalidated, number "));
  const json after = json::parse(Run({"explain", "text:plain", "--json"}).out);
  EXPECT_EQ(after["why"], "tag");
  EXPECT_EQ(after["rule"], "x");
  EXPECT_GT(after["rule_number"], before["number"]);
  EXPECT_EQ(after["created_unix_ms"], before["created_unix_ms"]);

  EXPECT_EQ(Run({"explain", "text:answer", "--tag", "x"}).exit_status, 1) << "a tag of the read";
  end = Run({"explain", "text:never"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.out, HasSubstr("a miss: never written, or its row was reclaimed"));
  Run({"put", "text:short", "--ttl", "1ms"}, {.words = {}, .input = "v"});
  EXPECT_THAT(Run({"explain", "text:short"}).out,
              AnyOf(HasSubstr("a miss: expired "), HasSubstr("its row was reclaimed")));
  EXPECT_EQ(Run({"explain", "nothex"}).exit_status, 2);
}

}  // namespace
}  // namespace larder::cachectl
