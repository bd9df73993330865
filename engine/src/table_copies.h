// TableCopies: what waits while a backup copies tables. RocksDB deletes none then, so what a merge
// has read stays beside what it wrote, until the last copy is done.
#pragma once

#include <atomic>
#include <mutex>

#include "larder/result.h"

namespace larder {

class SpaceBudget;
class Store;

// Thread-safe. While any is made nobody rewrites tables to give space back; RocksDB's merges go on
// as long as all tables could be written once more beside themselves, and wait from then on, rather
// than evict all that they read. Values are refused when the room that is left runs out, as if
// merges were behind. Removals go before a copy: what they need ends it.
class TableCopies {
 public:
  // On the stack around a copy of what `store` has.
  class Copy {
   public:
    Copy(TableCopies& copies, Store& store);
    ~Copy();
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;

   private:
    TableCopies& copies_;
    Store& store_;
  };

  bool any() const { return copies_.load(std::memory_order_relaxed) > 0; }
  // To be called when a copy begins, and ten times a second. May wait for the disk.
  Status HoldMergesIfTight(Store& store, const SpaceBudget& budget);
  // Until all that are being made have ended. Whether this was the first time.
  bool GiveUp() { return !given_up_.exchange(true); }
  bool given_up() const { return given_up_; }

 private:
  std::mutex mutex_;
  std::atomic<int> copies_{0};  // set under mutex_
  std::atomic<bool> given_up_{false};
  bool held_ = false;  // guarded by mutex_
};

}  // namespace larder
