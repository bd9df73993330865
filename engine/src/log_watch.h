// LogWatch: sees what RocksDB reads from its logs while it opens a store.
#pragma once

#include <rocksdb/wal_filter.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "store_mark.h"

namespace larder {

// Lets everything pass. Used by the thread that opens.
class LogWatch final : public rocksdb::WalFilter {
 public:
  // Of `headless` nothing counts as seen: their beginning is lost.
  explicit LogWatch(std::set<std::uint64_t> headless) : headless_(std::move(headless)) {}
  const char* Name() const override { return "LarderLogWatch"; }
  void ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& first_logs,
                                const std::map<std::string, std::uint32_t>& ids) override;
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& name,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* changed,
                                     bool* is_changed) override;

  // Without `sequence`.
  const RecoveredStore& seen() const { return seen_; }

 private:
  const std::set<std::uint64_t> headless_;
  RecoveredStore seen_;
};

}  // namespace larder
