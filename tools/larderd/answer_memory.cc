#include "answer_memory.h"

#include <cstddef>

namespace larder::gateway {
namespace {

// What a socket takes at once, more or less.
constexpr std::uint64_t kSmallAnswer = std::uint64_t{64} << 10;

}  // namespace

std::uint64_t AnswerMemory::taken_bytes() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

AnswerMemory::Share AnswerMemory::Take(const std::vector<SharedBytes>& body) {
  std::uint64_t bytes = 0;
  for (const SharedBytes& piece : body) bytes += piece.size();
  if (bytes <= kSmallAnswer) return {this, [](const void*) {}};
  // Pieces of one answer have one owner, so where the first is tells them all.
  const Place place{body.front().view().data(), bytes};
  {
    const std::lock_guard lock(mutex_);
    const auto found = readers_.find(place);
    const bool fits =
        found != readers_.end() || taken_ == 0 || (bytes <= most_ && taken_ <= most_ - bytes);
    if (!fits) return nullptr;
    if (found == readers_.end()) taken_ += bytes;
    ++readers_[place];
  }
  return {this, [this, place](const void*) { GiveBack(place); }};
}

void AnswerMemory::GiveBack(const Place& place) {
  const std::lock_guard lock(mutex_);
  const auto found = readers_.find(place);
  if (--found->second > 0) return;
  readers_.erase(found);
  taken_ -= place.second;
}

}  // namespace larder::gateway
