// What an eviction policy saves and loads: docs/format.md has the layout.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>
#include <string_view>

#include "eviction_policy.h"
#include "little_endian.h"
#include "varint.h"

namespace larder {
namespace {

constexpr std::string_view kMagic = "larder popularity 1\n";
constexpr std::size_t kMostVarint = 10;
// What stands before the counters is no longer: a bin takes four bytes, and what says how many
// empty ones are before it one, as two are needed only after 128 of these.
constexpr std::size_t kMostHead = std::size_t{64} << 10;
static_assert(kMostHead > 5 * ScoreHistogram::kBins * 5 + 1024);

template <typename Out>
void AppendFloat(Out& out, float value) {
  std::array<char, 4> bytes{};
  PutFixed(bytes.data(), std::bit_cast<std::uint32_t>(value), bytes.size());
  out.append(std::string_view(bytes.data(), bytes.size()));
}

bool ReadFloat(std::string_view& in, float& value) {
  if (in.size() < 4) return false;
  value = std::bit_cast<float>(static_cast<std::uint32_t>(GetFixed(in.data(), 4)));
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

// Counters or ghost.
template <typename T>
void AppendTable(ChecksummedWriter& out, const T& table) {
  std::array<char, 4096> piece{};
  const std::size_t bytes = table.bytes();
  AppendVarint(out, bytes);
  for (std::size_t at = 0; at < bytes; at += piece.size()) {
    const std::size_t size = std::min(piece.size(), bytes - at);
    table.Save(at, std::span(piece).first(size));
    out.append({piece.data(), size});
  }
}

// Where one is in what was saved.
struct Table {
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
};

// `table.at`: where its length stands, before it.
Status FindTable(const ByteSource& saved, std::uint64_t end, Table& table) {
  std::array<char, kMostVarint> piece{};
  const std::size_t size = std::min<std::uint64_t>(piece.size(), end - table.at);
  if (Status status = saved.read(table.at, std::span(piece).first(size)); !status.ok()) {
    return status;
  }
  std::string_view in(piece.data(), size);
  if (!ReadVarint(in, table.bytes)) return Damaged();
  table.at += size - in.size();
  return table.bytes > end - table.at ? Damaged() : Status::Ok();
}

template <typename T>
Status LoadTable(const ByteSource& saved, const Table& from, T& table) {
  std::array<char, 4096> piece{};
  for (std::uint64_t at = 0; at < from.bytes; at += piece.size()) {
    const auto part =
        std::span(piece).first(std::min<std::uint64_t>(piece.size(), from.bytes - at));
    if (Status status = saved.read(from.at + at, part); !status.ok()) return status;
    table.Load(at, part);
  }
  return Status::Ok();
}

}  // namespace

Status EvictionPolicy::Save(const ByteSink& sink) const {
  ChecksummedWriter out(sink);
  out.append(kMagic);
  AppendVarint(out, choice_.best());
  AppendVarint(out, live_entries_.load(std::memory_order_relaxed));
  AppendVarint(out, densities_seen_.load(std::memory_order_relaxed));
  AppendFloat(out, mean_density_log2_.load(std::memory_order_relaxed));
  for (std::size_t i = 0; i < kCandidates; ++i) {
    std::string histogram;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      AppendHistogram(histogram, (*histograms_)[i]);
    }
    out.append(histogram);  // sweeps do not wait for a disk
  }
  AppendVarint(out, sized_for_.load(std::memory_order_relaxed));
  AppendTable(out, hits_);
  AppendTable(out, ghost_);
  return out.Finish();
}

Status EvictionPolicy::Load(const ByteSource& saved) {
  const Status verified = VerifyChecksum(saved);
  if (verified.code() == StatusCode::kDataLoss) return Damaged();
  if (!verified.ok()) return verified;
  const std::uint64_t end = saved.size - RunningChecksum::kBytes;
  std::string head(std::min<std::uint64_t>(end, kMostHead), '\0');
  if (Status status = saved.read(0, head); !status.ok()) return status;
  if (!head.starts_with(kMagic)) return Damaged();
  std::string_view in = head;
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
  if (!sound || !ReadVarint(in, sized)) return Damaged();
  Table hits{.at = head.size() - in.size()};
  if (Status status = FindTable(saved, end, hits); !status.ok()) return status;
  if (!hits_.Fits(hits.bytes, sized)) return Damaged();
  Table ghost{.at = hits.at + hits.bytes};
  if (Status status = FindTable(saved, end, ghost); !status.ok()) return status;
  if (!ghost_.Fits(ghost.bytes, sized) || ghost.at + ghost.bytes != end) return Damaged();
  Resize(sized);
  if (Status status = LoadTable(saved, hits, hits_); !status.ok()) return status;
  if (Status status = LoadTable(saved, ghost, ghost_); !status.ok()) return status;
  choice_.SetBest(best);
  live_entries_.store(std::max<std::uint64_t>(live, 1), std::memory_order_relaxed);
  densities_seen_.store(seen, std::memory_order_relaxed);
  mean_density_log2_.store(mean, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  histograms_ = std::move(histograms);
  return Status::Ok();
}

}  // namespace larder
