// A cache whose directory is moved away while it runs writes nothing into what takes its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "cache_core.h"
#include "fake_clock.h"
#include "kill_point.h"
#include "larder/backup.h"
#include "prose.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasCode;

class MovedDirectoryTest : public ::testing::Test {
 protected:
  MovedDirectoryTest() {
    auto other = Open();
    EXPECT_OK(other->Put("k", "another's", {}));
    EXPECT_OK(other->Close());
    other.reset();
    fs::rename(dir_ / "cache", dir_ / "other");
    core_ = Open();
    for (int i = 0; i < 50; ++i) EXPECT_OK(core_->Put("k" + std::to_string(i), "v", {}));
    EXPECT_OK(core_->Sync());
    EXPECT_TRUE(core_->Get("k1", {}).has_value());
  }
  std::shared_ptr<CacheCore> Open() {
    Options options;
    options.directory = dir_ / "cache";
    options.clock = &clock_;
    CacheInternals internals;
    internals.write_buffer_bytes = std::uint64_t{64} << 10;
    internals.journal_room = 64;
    internals.threads = false;
    return *CacheCore::Open(options, internals);
  }
  // All files and what is in them.
  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> contents;
    for (const auto& item : fs::recursive_directory_iterator(dir_ / "cache")) {
      std::ostringstream bytes;
      if (item.is_regular_file()) bytes << std::ifstream(item.path(), std::ios::binary).rdbuf();
      contents[item.path().string()] = bytes.str();
    }
    return contents;
  }
  Status Invalidate(const std::string& tag) {
    const Invalidation what{.tags = {tag}};
    return core_->Invalidate({&what, 1}).status();
  }
  // What makes it write each of its files anew.
  void Work() {
    const std::string filler(3000, 'f');
    for (int i = 0; i < 100; ++i)
      static_cast<void>(core_->Put("f" + std::to_string(i), filler, {}));
    for (int i = 0; i < 100; ++i) static_cast<void>(Invalidate("t" + std::to_string(i)));
    for (int i = 0; i < 3; ++i) {
      clock_.Advance(61s);
      core_->Care();
    }
    static_cast<void>(core_->TrainNow());
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::shared_ptr<CacheCore> core_;
};

TEST_F(MovedDirectoryTest, WhatTookItsPlaceIsLeftAlone) {
  fs::rename(dir_ / "cache", dir_ / "moved");
  fs::rename(dir_ / "other", dir_ / "cache");
  const auto before = Contents();
  Work();
  EXPECT_FALSE(core_->GetHealth().writes);
  EXPECT_THAT(core_->Close(), HasCode(StatusCode::kUnavailable));
  core_.reset();
  EXPECT_EQ(Contents(), before);
  core_ = Open();
  const std::optional<Hit> hit = core_->Get("k", {});
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->entry.body(), "another's");
}

TEST_F(MovedDirectoryTest, NoDictionaryIsKeptThere) {
  for (std::uint64_t i = 0; i < 1200; ++i) {
    const std::string key = "prose " + std::to_string(i);
    while (!core_->Put(key, testing::Prose(i, 600), {}).ok()) core_->Care();
  }
  ASSERT_OK(core_->DictionariesInUse());  // which flushes: sampling makes no table then
  fs::rename(dir_ / "cache", dir_ / "moved");
  fs::rename(dir_ / "other", dir_ / "cache");
  const auto before = Contents();
  const Result<DictionaryTraining> trained = core_->TrainNow();
  EXPECT_THAT(trained, HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(trained.status().message(), ::testing::HasSubstr("moved away"));
  EXPECT_EQ(Contents(), before);
}

TEST_F(MovedDirectoryTest, NothingIsMadeWhereItWas) {
  fs::rename(dir_ / "cache", dir_ / "moved");
  Work();
  EXPECT_FALSE(fs::exists(dir_ / "cache"));
}

TEST_F(MovedDirectoryTest, InvalidationsThatWereAcknowledgedMeanwhileHoldAfterIt) {
  ASSERT_OK(core_->Put("tagged", "v", {.tags = {"t"}}));
  fs::rename(dir_ / "cache", dir_ / "moved");
  ASSERT_OK(Invalidate("t")) << "its journal is open, and goes with the directory";
  static_cast<void>(core_->Close());
  fs::rename(dir_ / "moved", dir_ / "cache");
  core_ = Open();
  EXPECT_FALSE(core_->Get("tagged", {}).has_value());
  EXPECT_TRUE(core_->Get("k1", {}).has_value());
}

// Its tables are copied by their names.
TEST_F(MovedDirectoryTest, ABackupWithAnothersTablesIsNone) {
  std::mt19937_64 random(1);  // BackupEngine tells how far it is every 4 MiB
  for (int i = 0; i < 40; ++i) {
    std::string noise(200'000, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    while (!core_->Put("noise " + std::to_string(i), noise, {}).ok()) core_->Care();
  }
  static std::function<void()> move;
  move = [this] {
    fs::rename(dir_ / "cache", dir_ / "moved");
    fs::rename(dir_ / "other", dir_ / "cache");
  };
  kill_point_hook = [](const char* name) {
    if (std::string_view(name) != "tables copied") return;
    if (const std::function<void()> act = std::exchange(move, nullptr)) act();
  };
  EXPECT_FALSE(core_->Backup({.directory = dir_ / "backup"}).ok());
  kill_point_hook = nullptr;
  EXPECT_EQ(move, nullptr) << "it was moved while tables were copied";
  const auto backups = ListBackups(dir_ / "backup");
  EXPECT_TRUE(!backups.ok() || backups->empty());
}

TEST_F(MovedDirectoryTest, PutBackItServesAgain) {
  fs::rename(dir_ / "cache", dir_ / "moved");
  Work();
  EXPECT_FALSE(core_->GetHealth().writes);
  fs::rename(dir_ / "moved", dir_ / "cache");
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(61s);
    core_->Care();
  }
  EXPECT_TRUE(core_->GetHealth().writes) << core_->GetHealth().detail;
  ASSERT_OK(core_->Put("k", "v", {}));
  ASSERT_OK(Invalidate("t"));
  EXPECT_OK(core_->Close());
}

}  // namespace
}  // namespace larder
