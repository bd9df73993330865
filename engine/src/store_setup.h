// How RocksDB is set up, and what it tells us while it runs. Only for store.cc.
#pragma once

#include <rocksdb/options.h>

#include <string>
#include <unordered_map>

#include "store.h"

namespace larder {

rocksdb::Options RocksOptions(const StoreOptions& options);
// What of it can be changed while the store is open.
std::unordered_map<std::string, std::string> SizesOf(const SpacePlan& plan);

}  // namespace larder
