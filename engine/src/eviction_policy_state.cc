// What an eviction policy saves and loads: docs/format.md has the layout.
#include <xxhash.h>

#include <bit>
#include <cmath>

#include "eviction_policy.h"
#include "varint.h"

namespace larder {
namespace {

constexpr std::string_view kMagic = "larder popularity 1\n";
constexpr std::size_t kChecksumBytes = 8;

void AppendLittleEndian(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<char>(value));
}

std::uint64_t LittleEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

void AppendFloat(std::string& out, float value) {
  AppendLittleEndian(out, std::bit_cast<std::uint32_t>(value), 4);
}

bool ReadFloat(std::string_view& in, float& value) {
  if (in.size() < 4) return false;
  value = std::bit_cast<float>(static_cast<std::uint32_t>(LittleEndian(in.substr(0, 4))));
  in.remove_prefix(4);
  return std::isfinite(value);
}

// Runs of empty bins, which are most of them, take a byte or two.
void AppendHistogram(std::string& out, const ScoreHistogram& histogram) {
  std::uint64_t empty = 0;
  for (const float bytes : histogram.bins()) {
    if (bytes == 0) {
      ++empty;
      continue;
    }
    AppendVarint(out, empty);
    AppendFloat(out, bytes / histogram.weight());
    empty = 0;
  }
  AppendVarint(out, empty);
}

bool ReadHistogram(std::string_view& in, ScoreHistogram& histogram) {
  std::size_t bin = 0;
  while (true) {
    std::uint64_t empty = 0;
    if (!ReadVarint(in, empty) || empty > ScoreHistogram::kBins - bin) return false;
    bin += empty;
    if (bin == ScoreHistogram::kBins) return true;
    if (!ReadFloat(in, histogram.bins()[bin]) || histogram.bins()[bin] <= 0) return false;
    if (++bin == ScoreHistogram::kBins) return ReadVarint(in, empty) && empty == 0;
  }
}

Status Damaged() { return {StatusCode::kDataLoss, "saved popularity does not verify"}; }

}  // namespace

std::string EvictionPolicy::Save() const {
  std::string out(kMagic);
  AppendVarint(out, choice_.best());
  AppendVarint(out, live_entries_.load(std::memory_order_relaxed));
  AppendVarint(out, densities_seen_.load(std::memory_order_relaxed));
  AppendFloat(out, mean_density_log2_.load(std::memory_order_relaxed));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const ScoreHistogram& histogram : *histograms_) AppendHistogram(out, histogram);
  }
  AppendVarint(out, sized_for_.load(std::memory_order_relaxed));
  AppendVarint(out, hits_.bytes());
  hits_.AppendTo(out);
  AppendVarint(out, ghost_.bytes());
  ghost_.AppendTo(out);
  AppendLittleEndian(out, XXH3_64bits(out.data(), out.size()), kChecksumBytes);
  return out;
}

Status EvictionPolicy::Load(std::string_view saved) {
  if (saved.size() < kMagic.size() + kChecksumBytes || !saved.starts_with(kMagic)) return Damaged();
  std::string_view in = saved.substr(0, saved.size() - kChecksumBytes);
  if (XXH3_64bits(in.data(), in.size()) != LittleEndian(saved.substr(in.size()))) return Damaged();
  in.remove_prefix(kMagic.size());
  std::uint64_t best = 0;
  std::uint64_t live = 0;
  std::uint64_t seen = 0;
  float mean = 0;
  auto histograms = std::make_unique<Histograms>();
  bool sound = ReadVarint(in, best) && best < kCandidates && ReadVarint(in, live) &&
               ReadVarint(in, seen) && ReadFloat(in, mean);
  for (ScoreHistogram& histogram : *histograms) sound = sound && ReadHistogram(in, histogram);
  std::uint64_t sized = 0;
  std::string_view hits;
  std::string_view ghost;
  if (!sound || !ReadVarint(in, sized) || !ReadLengthPrefixed(in, hits) ||
      !ReadLengthPrefixed(in, ghost) || !in.empty() || !hits_.Fits(hits, sized) ||
      !ghost_.Fits(ghost, sized)) {
    return Damaged();
  }
  Resize(sized);
  hits_.Load(hits);
  ghost_.Load(ghost);
  choice_.SetBest(best);
  live_entries_.store(std::max<std::uint64_t>(live, 1), std::memory_order_relaxed);
  densities_seen_.store(seen, std::memory_order_relaxed);
  mean_density_log2_.store(mean, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  histograms_ = std::move(histograms);
  return Status::Ok();
}

}  // namespace larder
