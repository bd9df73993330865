// BackupTest: a cache, its backups, and the restoring of them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "fake_clock.h"
#include "larder/backup.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::testing {

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() { Open(); }

  void Open(const std::string& name = "cache") {
    Options options;
    options.directory = dir_ / name;
    options.clock = &clock_;
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  void Put(const std::string& key, const std::string& body, const std::string& tag = "tag") {
    ASSERT_OK(cache_->Put(key, body, {.tags = {tag}}));
  }
  std::string Get(const std::string& key) {
    const std::optional<Hit> hit = cache_->Get(key);
    return hit ? std::string(hit->entry.body()) : "MISS";
  }
  Result<BackupInfo> BackUp(std::uint32_t keep = 7) {
    return cache_->Backup({.directory = dir_ / "backup", .keep = keep});
  }
  void DamageStore(const std::string& name) {
    for (const auto& file : std::filesystem::directory_iterator(dir_ / name + "/store")) {
      if (file.path().filename().string().starts_with("MANIFEST")) {
        std::ofstream(file.path(), std::ios::trunc) << "damaged";
      }
    }
  }
  // Closes the cache, restores into `name` and opens that.
  Result<RestoreReport> Restore(const std::string& name, bool accept, std::uint32_t id = 0) {
    cache_.reset();
    Result<RestoreReport> report = larder::Restore({.backup_directory = dir_ / "backup",
                                                    .cache_directory = dir_ / name,
                                                    .id = id,
                                                    .accept_unknown_invalidations = accept});
    Open(name);
    return report;
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace larder::testing
