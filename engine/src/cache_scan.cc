// Scan: pages of live entries, judged as a read would judge them.
#include <algorithm>
#include <cmath>

#include "cache_lookup.h"

namespace larder {
namespace {

constexpr std::size_t kMaxItems = 10'000;
// What one call may read at most, so that it neither takes long nor holds much.
constexpr std::size_t kMaxRows = 10'000;
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

Status CheckOptions(const ScanOptions& options) {
  if (options.limit < 1 || options.limit > kMaxItems) {
    return {StatusCode::kInvalidArgument, "limit of " + std::to_string(options.limit) +
                                              " is not within 1 and " + std::to_string(kMaxItems)};
  }
  if (std::max(options.prefix.size(), options.cursor.size()) > kMaxKeyBytes) {
    return {StatusCode::kInvalidArgument,
            "a prefix or cursor longer than any key, " + std::to_string(kMaxKeyBytes) + " bytes"};
  }
  if (options.tag.empty()) return Status::Ok();
  return CheckTags({options.tag});
}

bool HasTag(const Entry& entry, const std::string& tag) {
  if (tag.empty()) return true;
  const std::vector<std::string_view> tags = entry.tags();
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

// The least key that is greater than the cursor's, or the prefix.
std::string StartOf(const ScanOptions& options) {
  if (options.cursor.empty()) return options.prefix;
  return std::max(options.cursor + '\0', options.prefix);
}

}  // namespace

// One row, into the page if it is wanted.
void CacheCore::ScanRow(std::string_view key, std::string_view row, const ScanOptions& options,
                        const Query& query, ScanPage& page) {
  Lookup lookup = ReadRecord(key, row, query);
  if (lookup.entry == nullptr) {
    if (lookup.miss == MissReason::kCorrupt) ++page.corrupt;
    return;
  }
  if (options.state != ScanState::kAll && lookup.stale != (options.state == ScanState::kStale)) {
    return;
  }
  Entry entry(std::move(lookup.entry));
  if (!HasTag(entry, options.tag)) return;
  const double hits =
      policy_->EstimateHits(HotTier::HashKey(key), lookup.popularity, AccessClock());
  page.items.push_back({.key = std::string(key),
                        .entry = std::move(entry),
                        .stale = lookup.stale,
                        .raw_bytes = lookup.raw_bytes,
                        .hits = static_cast<std::uint64_t>(std::lround(hits))});
}

Result<ScanPage> CacheCore::Scan(const ScanOptions& options) {
  if (Status status = CheckOptions(options); !status.ok()) return status;
  const Gate::Pass call = calls_.Enter();
  if (!call) return Status(StatusCode::kUnavailable, "the cache is closed");
  Query query = MakeQuery({.max_stale = kForever});
  query.peek = true;
  query.bodies = options.bodies;
  ScanPage page;
  std::size_t rows = 0;
  std::size_t bytes = 0;
  const auto visit = [&](std::string_view key, std::string_view row) {
    if (!key.starts_with(options.prefix)) {
      page.cursor.clear();
      return false;
    }
    page.cursor = key;
    query.now = std::max(query.now, clock_->Now());  // a page may take long to read
    const std::size_t before = page.items.size();
    ScanRow(key, row, options, query, page);
    const bool unpacked = options.bodies && page.items.size() > before;
    bytes += std::max<std::size_t>(row.size(), unpacked ? page.items.back().raw_bytes : 0);
    return page.items.size() < options.limit && ++rows < kMaxRows && bytes < kMaxBytes;
  };
  const Status status = supervisor_->RunLong([&](Store& store) {
    const Result<bool> stopped = store.Scan(StartOf(options), visit);
    if (stopped.ok() && !*stopped) page.cursor.clear();
    return stopped.status();
  });
  if (!status.ok()) return status;
  return page;
}

}  // namespace larder
