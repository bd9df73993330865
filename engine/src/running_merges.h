// RunningMerges: which merge runs on which of RocksDB's threads, so that the filter and the notes
// made there know what they are part of.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "eviction_policy.h"
#include "space_budget.h"

namespace larder {

struct RunningMerge {
  std::unique_ptr<SpaceBudget::Grant> grant;
  bool by_us = false;  // not chosen by RocksDB
  bool drops_leave_deletions = false;
  std::uint64_t file_bytes = 0;  // of one by us: its tables become no larger; 0 = as planned
  // Set if what is worth least is to be dropped, or the worth of entries to be learnt.
  std::optional<EvictionPolicy::Slice> slice;
  // When the rows that it writes were last judged: now, or when those that it reads were.
  std::uint64_t swept = 0;

  // By the thread that merges.
  std::uint64_t evicted = 0;
  std::uint64_t evicted_bytes = 0;
  std::uint64_t expired_bytes = 0;  // or invalid, or removed
};

// Thread-safe.
class RunningMerges {
 public:
  void Begin(std::shared_ptr<RunningMerge> merge) {
    const std::lock_guard lock(mutex_);
    merges_[std::this_thread::get_id()] = std::move(merge);
  }
  std::shared_ptr<RunningMerge> OfThisThread() const {
    const std::lock_guard lock(mutex_);
    const auto found = merges_.find(std::this_thread::get_id());
    return found == merges_.end() ? nullptr : found->second;
  }
  void End() {
    const std::lock_guard lock(mutex_);
    merges_.erase(std::this_thread::get_id());
  }

  // Those of a store that is gone: RocksDB does not tell the end of what it aborts then.
  void Clear() {
    const std::lock_guard lock(mutex_);
    merges_.clear();
  }

  // On the stack around a merge of ours.
  class Ours {
   public:
    Ours(RunningMerges& merges, std::shared_ptr<RunningMerge> merge) : merges_(merges) {
      if (merge != nullptr) merges_.Begin(std::move(merge));
    }
    ~Ours() { merges_.End(); }
    Ours(const Ours&) = delete;
    Ours& operator=(const Ours&) = delete;

   private:
    RunningMerges& merges_;
  };

 private:
  mutable std::mutex mutex_;
  std::map<std::thread::id, std::shared_ptr<RunningMerge>> merges_;  // guarded by mutex_
};

}  // namespace larder
