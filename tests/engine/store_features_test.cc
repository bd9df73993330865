// What RocksDB 7.8 can do and must not (docs/operations.md): its own account of how a store of ours
// was opened.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

// Of the newest file OPTIONS-n that RocksDB has written: name to value, as of the database.
std::map<std::string, std::string> OptionsOf(const std::string& store) {
  fs::path newest;
  for (const fs::directory_entry& entry : fs::directory_iterator(store)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("OPTIONS-") && entry.path() > newest) newest = entry.path();
  }
  std::map<std::string, std::string> options;
  std::ifstream file(newest);
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t");
    options.emplace(line.substr(begin, equals - begin), line.substr(equals + 1));
  }
  return options;
}

TEST(StoreFeaturesTest, WhatIsKnownToFailIsOff) {
  const testing::TempDir dir;
  const Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = dir / "cache"});
  ASSERT_OK(cache);
  const std::map<std::string, std::string> options = OptionsOf(dir / "cache/store");
  const std::pair<const char*, const char*> expected[] = {
      {"wal_compression", "kNoCompression"}, {"track_and_verify_wals_in_manifest", "false"},
      {"recycle_log_file_num", "0"},         {"two_write_queues", "false"},
      {"enable_blob_files", "false"},        {"compression", "kNoCompression"},
      {"allow_fallocate", "false"},
  };
  for (const auto& [name, value] : expected) {
    const auto found = options.find(name);
    if (found == options.end()) continue;  // not written down by this version: its default is off
    EXPECT_EQ(found->second, value) << name;
  }
  EXPECT_TRUE(options.contains("wal_compression")) << "RocksDB's account was not understood";
  EXPECT_TRUE(options.contains("recycle_log_file_num"));
}

}  // namespace
}  // namespace larder
