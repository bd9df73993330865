#include "rival_store.h"

#include <rocksdb/db.h>
#include <rocksdb/table.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cache_core.h"
#include "dictionary.h"
#include "larder/cache.h"
#include "larder/cache_group.h"
#include "store_setup.h"

namespace larder::bench {
namespace {

constexpr std::uint64_t kDiskBytes = std::uint64_t{1} << 30;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "rival: %s\n", what.c_str());
  std::exit(1);
}
void Check(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}
void Check(const rocksdb::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

class EngineStore final : public RivalStore {
 public:
  EngineStore(const Way& way, const Place& place) {
    // What takes memory beside the blocks is taken from them.
    const std::uint64_t beside =
        way.records_with_dictionary ? DictionaryMemoryBytes(place.directory) : 0;
    Result<std::shared_ptr<CacheGroup>> group = CacheGroup::Make(place.memory_bytes - beside);
    if (!group.ok()) Fail(group.status().ToString());
    group_ = *group;
    Options options;
    options.directory = place.directory;
    options.max_disk_bytes = kDiskBytes;
    options.default_ttl = kForever;
    options.group = group_;
    if (!way.records_with_dictionary) options.compression.dictionary = DictionaryMode::kOff;
    Result<std::unique_ptr<Cache>> cache =
        OpenCache(options, {.hot_tier = false, .write_buffer_bytes = place.write_buffer_bytes});
    if (!cache.ok()) Fail(cache.status().ToString());
    cache_ = *std::move(cache);
  }
  void Put(std::string_view key, std::string_view body) override {
    while (!cache_->Put(key, body).ok()) {  // merges are behind
    }
  }
  std::size_t Get(std::string_view key) override {
    const std::optional<Hit> hit = cache_->Get(key);
    return hit.has_value() ? hit->entry.body().size() : 0;
  }
  void Settle() override { Check(cache_->Compact()); }
  std::uint64_t MemoryBytes() const override { return group_->memory_bytes(); }

  void Train(const std::vector<std::string>& bodies) {
    for (const std::string& body : bodies) Put(body.substr(0, kMaxKeyBytes), body);
    const Result<DictionaryTraining> training = cache_->TrainDictionary();
    if (!training.ok()) Fail(training.status().ToString());
    const Result<std::uint64_t> all = cache_->Invalidate({.all = true});
    if (!all.ok()) Fail(all.status().ToString());
    Settle();
  }

 private:
  std::shared_ptr<CacheGroup> group_;
  std::unique_ptr<Cache> cache_;
};

// Rows are the bodies themselves: no fields, no checksum of their own.
class BlockStore final : public RivalStore {
 public:
  BlockStore(const Way& way, const Place& place) {
    SpacePlan plan(kDiskBytes);
    plan.write_buffer_bytes = place.write_buffer_bytes;
    memory_ = std::make_shared<StoreMemory>(place.memory_bytes, place.memory_bytes / 2);
    rocksdb::Options options =
        RocksOptions({.memory = memory_, .plan = plan}, /*pin_metadata=*/true);
    options.table_properties_collector_factories.clear();  // they read our records
    options.disable_auto_compactions = false;
    options.compression = options.bottommost_compression = rocksdb::kZSTD;
    options.compression_opts.level = 3;
    options.compression_opts.max_dict_bytes = way.dictionary_bytes;
    options.compression_opts.zstd_max_train_bytes = 100 * way.dictionary_bytes;
    options.bottommost_compression_opts = options.compression_opts;
    options.bottommost_compression_opts.enabled = true;
    rocksdb::BlockBasedTableOptions table =
        *options.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
    table.block_size = way.block_bytes;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, place.directory + "/store", &db));
    db_.reset(db);
  }
  void Put(std::string_view key, std::string_view body) override {
    Check(db_->Put({}, {key.data(), key.size()}, {body.data(), body.size()}));
  }
  std::size_t Get(std::string_view key) override {
    rocksdb::PinnableSlice row;
    const rocksdb::Slice wanted(key.data(), key.size());
    if (!db_->Get({}, db_->DefaultColumnFamily(), wanted, &row).ok()) return 0;
    const auto body = std::make_unique_for_overwrite<char[]>(row.size());
    std::memcpy(body.get(), row.data(), row.size());
    return body[0] == '\0' ? 0 : row.size();
  }
  void Settle() override {
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    Check(db_->CompactRange(all, nullptr, nullptr));
  }
  std::uint64_t MemoryBytes() const override { return memory_->used_bytes(); }

 private:
  std::shared_ptr<StoreMemory> memory_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<RivalStore> OpenRival(const Way& way, const Place& place) {
  if (way.engine) return std::make_unique<EngineStore>(way, place);
  return std::make_unique<BlockStore>(way, place);
}

void Train(const Way& way, const Place& place, const std::vector<std::string>& bodies) {
  if (way.records_with_dictionary) EngineStore(way, place).Train(bodies);
}

std::uint64_t DictionaryMemoryBytes(const std::string& directory) {
  return DictionaryShelf(directory + "/dict", CompressionOptions().level, nullptr).memory_bytes();
}

}  // namespace larder::bench
