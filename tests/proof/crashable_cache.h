// CrashableCache: a cache on a disk in memory, which can be ended at any change of a file and
// opened on what that left.
#pragma once

#include <rocksdb/env.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cache_core.h"
#include "disk_journal_files.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "memory_disk.h"
#include "tmpfs_dir.h"

namespace larder::testing {

// One thread at a time. Only the state file and the directory's lock are on a real disk; of the
// former a crash keeps what was there at its instant (it is replaced whole, and synced).
class CrashableCache {
 public:
  // Directory, clock and files are filled in here. `real_files`: then it can be damaged and
  // restored, but not ended in the middle of something.
  CrashableCache(Options options, const CacheInternals& internals, std::uint64_t seed,
                 bool real_files = false);
  ~CrashableCache();

  // On what the last crash left, if there was one.
  Status Open();
  void Close() {
    core_.reset();
    cache_.reset();
  }
  Cache& operator*() { return *cache_; }
  Cache* operator->() { return cache_.get(); }
  // What the steward does once a second.
  void Care() { core_->Care(); }
  // What the watchdog does five times a second.
  void Watch() { core_->Watch(); }
  FakeClock& clock() { return clock_; }
  const std::string& directory() const { return options_.directory; }

  void ArmCrash(Crash how, std::uint64_t operations, bool this_thread_only);
  bool CrashCame() const { return machine_->disk->has_crashed(); }
  // Whether it came. Disarms.
  bool TakeCrash();
  // An instant between two calls, for a crash that did not come by itself.
  void CrashNow(Crash how);

  // After TakeCrash or CrashNow: ends the old process. `again`: so many changes into opening the
  // process is killed once more.
  Status Restart(std::optional<std::uint64_t> again);
  // After that: opens a copy of what is left, without a hot tier, and lets `look` see it.
  Status Look(const std::function<void(Cache&)>& look);

  // Errors logged since the last call.
  std::vector<std::string> TakeErrors();

 private:
  // A disk, with what stands between it and the engine.
  struct Machine {
    explicit Machine(std::unique_ptr<MemoryDisk> its_disk);
    std::unique_ptr<MemoryDisk> disk;
    std::unique_ptr<rocksdb::Env> env;
    std::unique_ptr<DiskJournalFiles> journal;
  };
  Result<std::shared_ptr<CacheCore>> OpenOn(Machine& machine, bool hot_tier);
  std::optional<std::string> ReadStateFile() const;
  void WriteStateFile(const std::optional<std::string>& bytes) const;

  TmpfsDir dir_;
  FakeClock clock_;
  Options options_;
  CacheInternals internals_;
  const bool real_files_;
  std::unique_ptr<Machine> machine_;
  std::shared_ptr<CacheCore> core_;
  std::unique_ptr<Cache> cache_;

  std::unique_ptr<MemoryDisk> image_;
  std::optional<std::string> state_at_crash_;

  std::mutex mutex_;
  std::vector<std::string> errors_;  // guarded by mutex_
};

}  // namespace larder::testing
