// Refusals: the latest writes that were not stored, for Explain. A few thousand, the newer in the
// place of the older.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace larder {

// Thread-safe.
class Refusals {
 public:
  Refusals() : slots_(kSlots) {}

  void Note(std::uint64_t key_hash, std::string why) {
    const std::lock_guard lock(mutex_);
    slots_[key_hash % kSlots] = {.key_hash = key_hash, .why = std::move(why)};
  }
  std::string Of(std::uint64_t key_hash) const {
    const std::lock_guard lock(mutex_);
    const Slot& slot = slots_[key_hash % kSlots];
    return slot.key_hash == key_hash ? slot.why : std::string();
  }

 private:
  static constexpr std::size_t kSlots = 2048;
  struct Slot {
    std::uint64_t key_hash = 0;
    std::string why;
  };
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;  // guarded by mutex_
};

}  // namespace larder
