// ScoreHistogram: how many bytes have which score, of the slices swept lately.
//
// A quantile of it says which scores a sweep drops. Nothing is sorted or ranked within a slice,
// which may hold as few as 50 entries.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace larder {

class ScoreHistogram {
 public:
  static constexpr int kBinsAnOctave = 16;
  static constexpr int kOctaves = 128;  // of scores, -80 to 48; beyond, the outermost bin
  static constexpr std::size_t kBins = std::size_t{kBinsAnOctave} * kOctaves;

  static std::uint16_t BinOf(float score_log2);

  // Scores in bins below `bin` go, and this share of the bytes in it.
  struct Threshold {
    std::size_t bin = 0;
    float share = 0;
  };
  // Under which `drop` of all bytes lie. Nothing seen yet: nothing goes.
  Threshold Quantile(double drop) const;

  // Another slice begins: what is there counts 0.9 times from now on.
  void BeginSlice();
  void Add(std::size_t bin, std::uint64_t bytes) {
    bytes_[bin] += weight_ * static_cast<float>(bytes);
  }

  std::span<float> bins() { return bytes_; }
  std::span<const float> bins() const { return bytes_; }
  float weight() const { return weight_; }

 private:
  float weight_ = 1;  // of a byte now; grows where what is there would have to shrink
  std::array<float, kBins> bytes_{};
};

}  // namespace larder
