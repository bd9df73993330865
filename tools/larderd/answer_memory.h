// AnswerMemory: what the answers that lie in memory whole may take together while their callers
// read them. A caller may take its time with one, and a batch is put together anew for each.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "larder/shared_bytes.h"

namespace larder::gateway {

// Thread-safe.
class AnswerMemory {
 public:
  explicit AnswerMemory(std::uint64_t most_bytes) : most_(most_bytes) {}

  std::uint64_t taken_bytes() const;

  // Until it goes, there is that much less room. It must not outlive the memory.
  using Share = std::shared_ptr<const void>;
  // For a body that is about to be written; null: there is no room. One that is alone always finds
  // room. Bytes that others write too, as those of the hot tier, count once, and small answers,
  // which the number of connections bounds, not at all. The share must go no earlier than the body.
  Share Take(const std::vector<SharedBytes>& body);

 private:
  // Where the bytes begin, and how many they are.
  using Place = std::pair<const char*, std::uint64_t>;
  void GiveBack(const Place& place);

  const std::uint64_t most_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<Place, std::uint64_t> readers_;
  std::uint64_t taken_ = 0;
};

}  // namespace larder::gateway
