// StoreFiles: looks at a store's files before RocksDB does, for what it would take for sound.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "larder/result.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace larder {

struct StoreFiles {
  bool is_new = false;      // RocksDB will begin a store
  bool has_tables = false;  // files of rows, used or not
  // Logs whose beginning is zeros, though something follows: what was there is lost, and RocksDB
  // begins with the next block without a word.
  std::set<std::uint64_t> headless_logs = {};
};

// Makes an empty log where there is none (the .cc says why). Errors: kDataLoss (CURRENT is missing
// beside what it should tell of; a part of the manifest is zeros), kUnavailable (they cannot be
// read), kResourceExhausted.
Result<StoreFiles> CheckStoreFiles(rocksdb::Env& env, const std::string& path);

}  // namespace larder
