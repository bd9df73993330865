// RawStore: the work that no cache on RocksDB and zstd can do without, and nothing else. What the
// engine is measured against.
#pragma once

#include <zstd.h>

#include <memory>
#include <string>
#include <string_view>

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace larder::bench {

// One thread.
class RawStore {
 public:
  explicit RawStore(const std::string& directory);
  ~RawStore();

  // Compresses and writes.
  void Put(std::string_view key, std::string_view body, bool sync = false);
  // Merges all files into one level, so that readers meet the same shape everywhere.
  void Settle();
  // Reads and decompresses into a fresh buffer, which the caller gets. Null: absent.
  std::unique_ptr<char[]> Get(std::string_view key, std::size_t& size);

 private:
  std::unique_ptr<rocksdb::DB> db_;
  ZSTD_CCtx* const compressor_ = ZSTD_createCCtx();
  ZSTD_DCtx* const decompressor_ = ZSTD_createDCtx();
  std::string scratch_;
};

}  // namespace larder::bench
