// How RocksDB is set up, and what it tells us while it runs. Only for store.cc.
#pragma once

#include <rocksdb/options.h>
#include <rocksdb/table_properties.h>

#include <cstdint>
#include <string>
#include <unordered_map>

#include "store.h"

namespace larder {

// `pin_metadata`: all tables' indexes and filters stay in memory.
rocksdb::Options RocksOptions(const StoreOptions& options, bool pin_metadata);
// What a table's index and filter take.
std::uint64_t MetadataBytes(const rocksdb::TableProperties& table);
// Of all tables of a store that is not open, by the share that they have of the largest. 0 if there
// is none, or it cannot be read.
std::uint64_t EstimateTableMetadata(rocksdb::Env& env, const std::string& path);
// What of it can be changed while the store is open.
std::unordered_map<std::string, std::string> SizesOf(const SpacePlan& plan);

}  // namespace larder
