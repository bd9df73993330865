// RivalStore: one way to keep answers small on RocksDB: the engine, which compresses each record by
// itself with a dictionary of its own, or RocksDB's compression of blocks, with a dictionary a file
// or none. All else is the same: both are opened with the engine's options of RocksDB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::bench {

struct Way {
  std::string name;
  bool engine = false;
  bool records_with_dictionary = false;  // of the engine
  std::size_t block_bytes = 4096;        // of RocksDB, before compression
  unsigned dictionary_bytes = 0;         // of RocksDB, a file
};

struct Place {
  std::string directory;
  std::uint64_t memory_bytes = 0;  // blocks, indexes, filters, dictionaries and memtables
  std::uint64_t write_buffer_bytes = std::uint64_t{4} << 20;
};

// For one thread.
class RivalStore {
 public:
  virtual ~RivalStore() = default;
  virtual void Put(std::string_view key, std::string_view body) = 0;
  // Bytes of the body, unpacked into a buffer of its own; 0: there is none.
  virtual std::size_t Get(std::string_view key) = 0;
  // Writes memtables out and merges all tables into the last level.
  virtual void Settle() = 0;
  // Blocks and memtables.
  virtual std::uint64_t MemoryBytes() const = 0;
};

std::unique_ptr<RivalStore> OpenRival(const Way& way, const Place& place);

// Has the engine make its dictionary from `bodies`, and leaves the store in `place` empty.
void Train(const Way& way, const Place& place, const std::vector<std::string>& bodies);
// What the engine's dictionaries there take in memory.
std::uint64_t DictionaryMemoryBytes(const std::string& directory);

}  // namespace larder::bench
