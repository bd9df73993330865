#include "log_watch.h"

#include <rocksdb/write_batch.h>

#include <new>

#include "little_endian.h"

namespace larder {

void LogWatch::ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& first_logs,
                                        const std::map<std::string, std::uint32_t>& /*ids*/) {
  if (!first_logs.empty()) seen_.first_log = first_logs.begin()->second;  // there is one family
}

// A batch begins with the sequence number of its first write, in eight bytes.
rocksdb::WalFilter::WalProcessingOption LogWatch::LogRecordFound(unsigned long long log,
                                                                 const std::string& /*name*/,
                                                                 const rocksdb::WriteBatch& batch,
                                                                 rocksdb::WriteBatch* /*changed*/,
                                                                 bool* /*is_changed*/) {
  const std::uint64_t first = GetFixed(batch.Data().data(), 8);
  const std::uint64_t last = first + batch.Count() - 1;
  if (batch.Count() == 0 || headless_.contains(log))
    return WalProcessingOption::kContinueProcessing;
  if (!seen_.runs.empty() && seen_.runs.back().log == log && seen_.runs.back().last + 1 == first) {
    seen_.runs.back().last = last;
  } else {
    try {
      seen_.runs.push_back({.log = log, .first = first, .last = last});
    } catch (const std::bad_alloc&) {  // not to be thrown through RocksDB
      seen_.runs.clear();              // better too little than what looks whole
    }
  }
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace larder
