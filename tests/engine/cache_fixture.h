// CacheTest: what cache.h promises, in every configuration, on a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache_core.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::testing {

struct Config {
  const char* name;
  bool hot_tier;
  int level;
  Durability durability;
};

class CacheTest : public ::testing::TestWithParam<Config> {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.compression.level = GetParam().level;
    options_.durability = GetParam().durability;
    Open();
  }
  void Open() {
    Result<std::unique_ptr<Cache>> cache = OpenCache(options_, {.hot_tier = GetParam().hot_tier});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  void Reopen() {
    cache_.reset();
    Open();
  }
  std::string Get(std::string_view key, const ReadOptions& options = {}) {
    const std::optional<Hit> hit = cache_->Get(key, options);
    return hit.has_value() ? std::string(hit->entry.body()) : "MISS";
  }
  Status Put(std::string_view key, std::string_view body, const WriteOptions& options = {}) {
    return cache_->Put(key, body, options).status();
  }
  Status InvalidateTag(const std::string& tag) {
    return cache_->Invalidate({.tags = {tag}}).status();
  }

  TempDir dir_;
  FakeClock clock_;
  Options options_;
  std::unique_ptr<Cache> cache_;
};

inline const auto kConfigurations = ::testing::Values(
    Config{"Hot", true, 3, Durability::kProcess}, Config{"Cold", false, 3, Durability::kProcess},
    Config{"HotUncompressed", true, 0, Durability::kProcess},
    Config{"ColdSync", false, 3, Durability::kSync});

inline std::string ConfigName(const ::testing::TestParamInfo<Config>& info) {
  return info.param.name;
}

}  // namespace larder::testing
