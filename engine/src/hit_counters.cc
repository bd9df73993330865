#include "hit_counters.h"

#include <algorithm>
#include <array>

#include "little_endian.h"
#include "popularity.h"

namespace larder {
namespace {

constexpr std::size_t kEntriesAWord = 8;
constexpr std::size_t kWordBytes = 8;
constexpr std::uint64_t kPurpose = 1;
constexpr int kAttempts = 4;

std::size_t WordsOf(std::size_t entries) {
  return std::max<std::size_t>(1, (entries + kEntriesAWord - 1) / kEntriesAWord);
}

// Where a key's word is, and where in it its counters are.
struct Place {
  Place(std::uint64_t hash, std::size_t words) {
    const std::uint64_t mixed = Mix(hash, kPurpose);
    word = static_cast<std::size_t>((mixed >> 32) * words >> 32);
    const auto first = static_cast<unsigned>(mixed & 15);
    const auto apart = 1 + static_cast<unsigned>((mixed >> 4 & 0xffff) * 15 >> 16);
    shift = {first * 4, (first + apart) % 16 * 4};
  }
  unsigned Least(std::uint64_t value) const {
    return std::min(At(value, shift[0]), At(value, shift[1]));
  }
  static unsigned At(std::uint64_t value, unsigned s) {
    return static_cast<unsigned>(value >> s & 15);
  }

  std::size_t word;
  std::array<unsigned, 2> shift;
};

}  // namespace

HitCounters::HitCounters(std::size_t most_entries) : words_(WordsOf(most_entries)) {}

std::size_t HitCounters::WordsFor(std::size_t entries) const {
  return std::min(WordsOf(entries), words_.most());
}

void HitCounters::Add(std::uint64_t hash) {
  const Place place(hash, words());
  std::atomic<std::uint64_t>& word = words_[place.word];
  std::uint64_t value = word.load(std::memory_order_relaxed);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::uint64_t raised = value;
    for (const unsigned s : place.shift) {
      if (Place::At(value, s) < kMost) raised += std::uint64_t{1} << s;
    }
    if (raised == value || word.compare_exchange_weak(value, raised, std::memory_order_relaxed)) {
      return;
    }
  }
}

unsigned HitCounters::Take(std::uint64_t hash) {
  const Place place(hash, words());
  std::atomic<std::uint64_t>& word = words_[place.word];
  std::uint64_t value = word.load(std::memory_order_relaxed);
  while (true) {
    const unsigned hits = place.Least(value);
    if (hits == 0) return 0;
    std::uint64_t lowered = value;
    for (const unsigned s : place.shift) lowered -= std::uint64_t{hits} << s;
    if (word.compare_exchange_weak(value, lowered, std::memory_order_relaxed)) return hits;
  }
}

unsigned HitCounters::Peek(std::uint64_t hash) const {
  const Place place(hash, words());
  return place.Least(words_.Load(place.word));
}

void HitCounters::Resize(std::size_t entries) {
  const std::size_t after = WordsFor(entries);
  const std::size_t before = words();
  if (after == before) return;
  if (after < before) words_in_use_.store(after, std::memory_order_relaxed);
  words_.Stretch(before, after, 1);
  words_in_use_.store(after, std::memory_order_relaxed);
}

void HitCounters::Save(std::size_t at, std::span<char> out) const {
  for (std::size_t i = 0; i < out.size(); i += kWordBytes) {
    PutFixed(&out[i], words_.Load((at + i) / kWordBytes), kWordBytes);
  }
}

bool HitCounters::Fits(std::uint64_t saved_bytes, std::size_t entries) const {
  return saved_bytes == kWordBytes * WordsFor(entries);
}

void HitCounters::Load(std::size_t at, std::span<const char> saved) {
  for (std::size_t i = 0; i < saved.size(); i += kWordBytes) {
    words_.Store((at + i) / kWordBytes, GetFixed(&saved[i], kWordBytes));
  }
}

}  // namespace larder
