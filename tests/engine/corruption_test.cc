// P5: corruption is detected; what cannot be opened is moved aside or refused, never deleted.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cache_core.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using testing::HasCode;

class CorruptionTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Cache>> Open(OnCorruption on_corruption = OnCorruption::kQuarantine) {
    Options options;
    options.directory = dir_ / "cache";
    options.on_corruption = on_corruption;
    return Cache::Open(options);
  }
  // 50 entries in a table file.
  void Fill() {
    Result<std::unique_ptr<Cache>> cache = Open();
    ASSERT_OK(cache);
    for (int i = 0; i < 50; ++i) ASSERT_OK((*cache)->Put(Key(i), Body(i)));
    ASSERT_OK((*cache)->Compact());
  }
  static std::string Key(int i) { return "key " + std::to_string(i); }
  static std::string Body(int i) { return "body " + std::to_string(i) + std::string(500, 'b'); }

  std::vector<fs::path> FilesOf(const std::string& what) {
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(dir_ / "cache/store")) {
      if (item.path().filename().string().find(what) != std::string::npos) {
        files.push_back(item.path());
      }
    }
    EXPECT_FALSE(files.empty()) << what;
    return files;
  }
  static void Flip(const fs::path& path, std::size_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x41));
  }
  // The number of right answers; a wrong one fails the test.
  static int CountHits(Cache& cache) {
    int hits = 0;
    for (int i = 0; i < 50; ++i) {
      const std::optional<Hit> hit = cache.Get(Key(i));
      if (!hit.has_value()) continue;
      EXPECT_EQ(hit->entry.body(), Body(i));
      ++hits;
    }
    return hits;
  }

  testing::TempDir dir_;
};

TEST_F(CorruptionTest, FlippedByteInATableIsNeverAWrongAnswer) {
  Fill();
  const fs::path table = FilesOf(".sst").front();
  const std::size_t size = fs::file_size(table);
  fs::copy(dir_ / "cache", dir_ / "sound", fs::copy_options::recursive);
  for (std::size_t at = 7; at < size; at += size / 40) {
    fs::remove_all(dir_ / "cache");
    fs::copy(dir_ / "sound", dir_ / "cache", fs::copy_options::recursive);
    Flip(table, at);
    Result<std::unique_ptr<Cache>> cache = Open();
    ASSERT_OK(cache) << "byte " << at;
    CountHits(**cache);
    EXPECT_OK((*cache)->Put("new", "value")) << "byte " << at;
    EXPECT_TRUE((*cache)->Get("new").has_value()) << "byte " << at;
  }
}

TEST_F(CorruptionTest, KeyOfACorruptBlockIsAMissAndWritableAgain) {
  Fill();
  Flip(FilesOf(".sst").front(), 200);
  Result<std::unique_ptr<Cache>> cache = Open();
  ASSERT_OK(cache);
  const int hits = CountHits(**cache);
  EXPECT_LT(hits, 50);
  EXPECT_GT((*cache)->GetStats().misses_corrupt, 0u);
  for (int i = 0; i < 50; ++i) {
    if ((*cache)->Get(Key(i)).has_value()) continue;
    EXPECT_OK((*cache)->GetOrCompute(Key(i), {},
                                     [i]() -> Result<Computed> { return Computed{Body(i)}; }));
  }
  EXPECT_EQ(CountHits(**cache), 50);
}

TEST_F(CorruptionTest, TableThatNoMergeCanReadEndsAsideAndTheCacheServesOn) {
  Fill();
  Flip(FilesOf(".sst").front(), 200);
  testing::FakeClock clock;
  Options options;
  options.directory = dir_ / "cache";
  options.clock = &clock;
  Result<std::shared_ptr<CacheCore>> opened = CacheCore::Open(options, {.threads = false});
  ASSERT_OK(opened);
  CacheCore& cache = **opened;
  Acquired acquired = cache.Acquire(Key(1), {.newer_than = kRefresh}, StaleWindow::kNone);
  ASSERT_OK(cache.Put(Key(1), "newer", {}));
  int rounds = 0;
  while (!fs::exists(dir_ / "cache/quarantine/store") && ++rounds < 20) {
    EXPECT_FALSE(cache.CompactAll({}).ok());
    clock.Advance(std::chrono::seconds(64));
    cache.Care();
  }
  EXPECT_EQ(rounds, 4);
  EXPECT_OK(cache.CompactAll({}));
  EXPECT_EQ(cache.GetHealth().state, HealthState::kServing);
  EXPECT_EQ(cache.GetStats().quarantined, 1U);
  EXPECT_EQ(std::get<Lease>(acquired).Commit("from before").outcome, PutOutcome::kSuperseded)
      << "what it should find newer is aside";
  EXPECT_OK(cache.Put(Key(1), Body(1), {}));
  EXPECT_TRUE(cache.Get(Key(1), {}).has_value());
  EXPECT_OK(cache.Close());
}

TEST_F(CorruptionTest, UnreadableStoreIsMovedAsideAndTheCacheStartsEmpty) {
  Fill();
  const fs::path manifest = FilesOf("MANIFEST").front();
  Flip(manifest, 20);
  Result<std::unique_ptr<Cache>> cache = Open();
  ASSERT_OK(cache);
  EXPECT_EQ(CountHits(**cache), 0);
  EXPECT_TRUE(fs::exists(dir_ / "cache/quarantine/store" / manifest.filename()));
  ASSERT_OK((*cache)->Put(Key(1), Body(1)));
  EXPECT_EQ(CountHits(**cache), 1);
}

TEST_F(CorruptionTest, UnreadableStoreIsRefusedIfSoConfigured) {
  Fill();
  Flip(FilesOf("MANIFEST").front(), 20);
  EXPECT_THAT(Open(OnCorruption::kFail), HasCode(StatusCode::kDataLoss));
  EXPECT_FALSE(fs::exists(dir_ / "cache/quarantine"));
}

TEST_F(CorruptionTest, StoreWithAMissingFileIsMovedAside) {
  Fill();
  fs::remove(FilesOf("MANIFEST").front());
  EXPECT_THAT(Open(OnCorruption::kFail), HasCode(StatusCode::kDataLoss));
  Result<std::unique_ptr<Cache>> cache = Open();
  ASSERT_OK(cache);
  EXPECT_EQ(CountHits(**cache), 0);
  EXPECT_TRUE(fs::exists(dir_ / "cache/quarantine/store/CURRENT"));
}

// RocksDB would begin a new store there, and delete the tables of the old one.
TEST_F(CorruptionTest, StoreWithoutItsCurrentIsRefusedForGoodOrMovedAsideWhole) {
  Fill();
  fs::copy(dir_ / "cache", dir_ / "sound", fs::copy_options::recursive);
  for (const bool logs : {true, false}) {
    fs::remove_all(dir_ / "cache");
    fs::copy(dir_ / "sound", dir_ / "cache", fs::copy_options::recursive);
    fs::remove(dir_ / "cache/store/CURRENT");
    if (!logs) {
      for (const fs::path& log : FilesOf(".log")) fs::remove(log);
    }
    const std::vector<fs::path> tables = FilesOf(".sst");
    for (int start = 1; start <= 2; ++start) {
      EXPECT_THAT(Open(OnCorruption::kFail), HasCode(StatusCode::kDataLoss)) << "start " << start;
      for (const fs::path& table : tables) EXPECT_TRUE(fs::exists(table)) << "start " << start;
    }
    Result<std::unique_ptr<Cache>> cache = Open();
    ASSERT_OK(cache);
    EXPECT_EQ(CountHits(**cache), 0);
    EXPECT_OK((*cache)->Put("new", "value"));
    for (const fs::path& table : tables) {
      EXPECT_TRUE(fs::exists(dir_ / "cache/quarantine/store" / table.filename()));
    }
  }
}

// As it is between the first manifest and CURRENT.
TEST_F(CorruptionTest, StoreWhoseMakingWasCutOffIsMadeAnew) {
  fs::create_directories(dir_ / "cache/store");
  for (const char* name : {"IDENTITY", "MANIFEST-000001", "000001.dbtmp"}) {
    std::ofstream(dir_ / (std::string("cache/store/") + name)) << "MANIFEST-000001";
  }
  Result<std::unique_ptr<Cache>> cache = Open(OnCorruption::kFail);
  ASSERT_OK(cache);
  EXPECT_OK((*cache)->Put("new", "value"));
}

TEST_F(CorruptionTest, LostJournalForgetsEverythingRatherThanTooLittle) {
  Fill();
  fs::remove(dir_ / "cache/invalidations");
  {
    Result<std::unique_ptr<Cache>> cache = Open();
    ASSERT_OK(cache);
    EXPECT_EQ(CountHits(**cache), 0);
    ASSERT_OK((*cache)->Put(Key(1), Body(1)));
    EXPECT_EQ(CountHits(**cache), 1);
  }
  Result<std::unique_ptr<Cache>> cache = Open();
  ASSERT_OK(cache);
  EXPECT_EQ(CountHits(**cache), 1);
}

TEST_F(CorruptionTest, LostJournalAndStateQuarantineTheStore) {
  Fill();
  fs::remove(dir_ / "cache/invalidations");
  fs::remove(dir_ / "cache/state");
  Result<std::unique_ptr<Cache>> cache = Open();
  ASSERT_OK(cache);
  EXPECT_EQ(CountHits(**cache), 0);
  EXPECT_TRUE(fs::exists(dir_ / "cache/quarantine/store"));
}

// A kill while a cache was made the first time may have left it.
TEST_F(CorruptionTest, StoreWithoutRowsIsKeptThoughJournalAndStateAreMissing) {
  ASSERT_OK((*Open())->Close());
  for (const char* name : {"invalidations", "state"})
    fs::remove(dir_ / ("cache/" + std::string(name)));
  Result<std::unique_ptr<Cache>> cache = Open(OnCorruption::kFail);
  ASSERT_OK(cache);
  EXPECT_FALSE(fs::exists(dir_ / "cache/quarantine"));
  EXPECT_OK((*cache)->Put("k", "v"));
}

TEST_F(CorruptionTest, DamagedStateGetsANewIdentityAndKeepsTheEntries) {
  Fill();
  Flip(dir_ / "cache/state", 30);
  Result<std::unique_ptr<Cache>> cache = Open();
  ASSERT_OK(cache);
  EXPECT_EQ(CountHits(**cache), 50);
}

}  // namespace
}  // namespace larder
