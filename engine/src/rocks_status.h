// FromRocksDb: RocksDB's statuses as ours. Callers branch on our codes only.
#pragma once

#include <rocksdb/status.h>

#include "larder/status.h"

namespace larder {

inline Status FromRocksDb(const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  if (status.IsCorruption()) return {StatusCode::kDataLoss, status.ToString()};
  if (status.IsNoSpace()) return {StatusCode::kResourceExhausted, status.ToString()};
  return {StatusCode::kUnavailable, status.ToString()};
}

}  // namespace larder
