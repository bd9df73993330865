#include "raw_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <cstdlib>

namespace larder::bench {
namespace {

// As the engine opens it: what differs is the work, not the tuning.
rocksdb::Options RawOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = std::size_t{8} << 20;
  options.max_write_buffer_number = 3;
  options.memtable_prefix_bloom_size_ratio = 0.005;
  options.memtable_whole_key_filtering = true;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = std::size_t{16} << 20;
  options.max_bytes_for_level_base = std::size_t{64} << 20;
  options.allow_fallocate = false;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(std::size_t{512} << 20, 4);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

RawStore::RawStore(const std::string& directory) {
  rocksdb::DB* db = nullptr;
  if (!rocksdb::DB::Open(RawOptions(), directory, &db).ok()) std::abort();
  db_.reset(db);
}

RawStore::~RawStore() {
  ZSTD_freeCCtx(compressor_);
  ZSTD_freeDCtx(decompressor_);
}

void RawStore::Put(std::string_view key, std::string_view body, bool sync) {
  scratch_.resize(ZSTD_compressBound(body.size()));
  const std::size_t size =
      ZSTD_compressCCtx(compressor_, scratch_.data(), scratch_.size(), body.data(), body.size(), 3);
  rocksdb::WriteOptions options;
  options.sync = sync;
  if (!db_->Put(options, {key.data(), key.size()}, {scratch_.data(), size}).ok()) std::abort();
}

void RawStore::Settle() {
  static_cast<void>(db_->Flush({}));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  if (!db_->CompactRange(options, nullptr, nullptr).ok()) std::abort();
}

std::unique_ptr<char[]> RawStore::Get(std::string_view key, std::size_t& size) {
  rocksdb::PinnableSlice row;
  if (!db_->Get({}, db_->DefaultColumnFamily(), {key.data(), key.size()}, &row).ok()) {
    return nullptr;
  }
  size = ZSTD_getFrameContentSize(row.data(), row.size());
  auto body = std::make_unique_for_overwrite<char[]>(size);
  ZSTD_decompressDCtx(decompressor_, body.get(), size, row.data(), row.size());
  return body;
}

}  // namespace larder::bench
