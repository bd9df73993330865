// MemoryFileSystem: a MemoryDisk as RocksDB sees it.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>

#include "memory_disk.h"

namespace larder::testing {

// The disk must outlive it. Every directory exists.
std::shared_ptr<rocksdb::FileSystem> MakeMemoryFileSystem(MemoryDisk& disk);

}  // namespace larder::testing
