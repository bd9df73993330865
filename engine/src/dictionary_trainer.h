// DictionaryTrainer: samples what is stored, and makes dictionaries of it that pay.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"

namespace larder {

// Thread-safe. Takes up to `most_sample_bytes` for its samples, twice as much again while it
// trains.
class DictionaryTrainer {
 public:
  explicit DictionaryTrainer(int level, std::size_t most_sample_bytes = std::size_t{4} << 20)
      : level_(level), most_sample_bytes_(most_sample_bytes) {}

  // At which it tries from now on.
  void SetLevel(int level) { level_ = level; }

  // A body that was stored; one in many is copied.
  void Note(std::string_view body);
  // Whether enough was stored since the last Train for another to be worth its time: a thousand
  // bodies at first, afterwards as many again as there ever were.
  bool Due() const;
  std::size_t sample_bytes() const { return sample_bytes_.load(std::memory_order_relaxed); }

  struct Outcome {
    std::optional<std::string> adopted;  // the new dictionary, if it pays
    // Of the bodies that it was not trained on: raw, compressed as now, and with the new one.
    std::uint64_t raw_bytes = 0;
    std::uint64_t current_bytes = 0;
    std::uint64_t trained_bytes = 0;
    std::uint64_t samples = 0;
  };
  // Trains on three quarters of the samples, tries on the rest. Pays: at least 5 % smaller than
  // with `current` (null: without any). Takes a second or two; for one thread at a time.
  Outcome Train(const Dictionary* current);

 private:
  using Samples = std::vector<std::string>;

  std::atomic<int> level_;
  const std::size_t most_sample_bytes_;
  std::atomic<std::uint64_t> seen_{0};
  std::atomic<std::uint64_t> places_{4096};  // for samples; fewer when they are large
  std::atomic<std::uint64_t> next_try_{1000};

  std::mutex mutex_;
  Samples samples_;                           // guarded by mutex_; a uniform sample of all seen
  std::atomic<std::size_t> sample_bytes_{0};  // changed under mutex_
};

}  // namespace larder
