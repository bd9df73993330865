#include "record.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "varint.h"

namespace larder {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kChecksumBytes = 8;
// Second byte: kind in bits 0-1, codec (of a tombstone: cause) in bits 2-3, "names a dictionary" in
// bit 4, negative in bit 5, bits 6-7: which of the stale windows is the shorter and stands beside
// the other, 3 is unknown.
constexpr unsigned kKindMask = 0x03;
constexpr unsigned kCodecShift = 2;
constexpr unsigned kCodecMask = 0x03;
constexpr unsigned kDictionaryBit = 0x10;
constexpr unsigned kNegativeBit = 0x20;
constexpr unsigned kWindowsShift = 6;
enum Windows : unsigned { kSame = 0, kRevalidateIsShorter = 1, kErrorIsShorter = 2 };

// The key seeds the hash, so that a sound record in the wrong place does not verify.
std::uint64_t Checksum(std::string_view key, std::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), XXH3_64bits(key.data(), key.size()));
}

template <typename String>
void AppendChecksum(std::string_view key, String& record) {
  std::uint64_t sum = Checksum(key, record);
  for (std::size_t i = 0; i < kChecksumBytes; ++i, sum >>= 8) {
    record.push_back(static_cast<char>(sum & 0xff));
  }
}

std::uint64_t LoadLittleEndian64(const char* bytes) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Milliseconds that any sum of three of stays within a TimePoint.
constexpr std::uint64_t kMaxMilliseconds = std::numeric_limits<std::int64_t>::max() / 4;

bool ReadMilliseconds(std::string_view& in, Duration& value) {
  std::uint64_t ms = 0;
  if (!ReadVarint(in, ms) || ms > kMaxMilliseconds) return false;
  value = Duration(static_cast<std::int64_t>(ms));
  return true;
}

bool ReadTimes(std::string_view& in, unsigned windows, RecordView& view) {
  Duration created{};
  std::uint64_t fresh_plus_one = 0;
  Duration stale{};
  Duration shorter{};
  if (!ReadMilliseconds(in, created) || !ReadVarint(in, fresh_plus_one) ||
      fresh_plus_one > kMaxMilliseconds || !ReadMilliseconds(in, stale) ||
      (windows != kSame && !ReadMilliseconds(in, shorter)) || shorter > stale ||
      !ReadMilliseconds(in, view.compute_time)) {
    return false;
  }
  view.created = TimePoint(created);
  view.stale_while_revalidate = windows == kRevalidateIsShorter ? shorter : stale;
  view.stale_if_error = windows == kErrorIsShorter ? shorter : stale;
  if (fresh_plus_one == 0) return true;  // does not expire
  view.fresh_until = view.created + Duration(static_cast<std::int64_t>(fresh_plus_one - 1));
  view.expires = view.fresh_until + stale;
  return true;
}

bool ReadPopularity(std::string_view& in, RecordView& view) {
  const std::string_view start = in;
  if (in.empty()) return false;
  view.popularity.count = static_cast<std::uint8_t>(in.front());
  in.remove_prefix(1);
  if (!ReadVarint(in, view.popularity.stamp)) return false;
  view.popularity_field = start.substr(0, start.size() - in.size());
  return true;
}

template <typename String>
void AppendPopularity(String& out, const Popularity& popularity) {
  out.push_back(static_cast<char>(popularity.count));
  AppendVarint(out, popularity.stamp);
}

bool ReadTags(std::string_view& in, RecordView& view) {
  std::uint64_t count = 0;
  if (!ReadVarint(in, count) || count > kMaxRecordTags) return false;
  const std::string_view start = in;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view tag;
    if (!ReadLengthPrefixed(in, tag) || tag.empty() || tag.size() > kMaxTagBytes) return false;
  }
  view.tag_count = static_cast<std::uint32_t>(count);
  view.tags = start.substr(0, start.size() - in.size());
  return true;
}

bool ReadEntry(std::string_view in, unsigned flags, RecordView& view) {
  const bool has_dictionary = (flags & kDictionaryBit) != 0;
  view.negative = (flags & kNegativeBit) != 0;
  if (!ReadPopularity(in, view) || !ReadTimes(in, flags >> kWindowsShift, view) ||
      !ReadVarint(in, view.cost_microusd) || !ReadVarint(in, view.raw_bytes) ||
      (has_dictionary && !ReadVarint(in, view.dictionary)) ||
      !ReadLengthPrefixed(in, view.metadata) || view.metadata.size() > kMaxMetadataBytes ||
      !ReadTags(in, view)) {
    return false;
  }
  view.payload = in;
  return view.codec != RecordCodec::kRaw || view.payload.size() == view.raw_bytes;
}

}  // namespace

RecordState DecodeRecord(std::string_view key, std::string_view record, RecordView& view) {
  if (record.size() < 3 + kChecksumBytes) return RecordState::kCorrupt;
  const std::string_view bytes = record.substr(0, record.size() - kChecksumBytes);
  if (Checksum(key, bytes) != LoadLittleEndian64(bytes.data() + bytes.size())) {
    return RecordState::kCorrupt;
  }
  const auto flags = static_cast<unsigned char>(bytes[1]);
  const unsigned kind = flags & kKindMask;
  const unsigned codec = flags >> kCodecShift & kCodecMask;
  const unsigned windows = flags >> kWindowsShift;
  const bool tombstone = kind == static_cast<unsigned>(RecordKind::kTombstone);
  const bool known = tombstone ? (flags & ~(kKindMask | kCodecMask << kCodecShift)) == 0 &&
                                     codec <= static_cast<unsigned>(TombstoneCause::kEvicted)
                               : kind == 0 && codec <= 1 && windows <= kErrorIsShorter;
  if (bytes[0] != kVersion || !known) return RecordState::kUnknown;
  view = {};
  view.kind = static_cast<RecordKind>(kind);
  if (tombstone) {
    view.cause = static_cast<TombstoneCause>(codec);
  } else {
    view.codec = static_cast<RecordCodec>(codec);
  }
  std::string_view rest = bytes.substr(2);
  if (!ReadVarint(rest, view.number) || view.number == 0) return RecordState::kCorrupt;
  if (view.kind == RecordKind::kTombstone) {
    return rest.empty() ? RecordState::kOk : RecordState::kCorrupt;
  }
  return ReadEntry(rest, flags, view) ? RecordState::kOk : RecordState::kCorrupt;
}

RowBytes EncodeEntry(std::string_view key, const EntryData& entry, const Payload& payload) {
  return EncodeRecord(key, {.kind = RecordKind::kEntry,
                            .codec = payload.codec,
                            .cause = {},
                            .number = entry.number,
                            .popularity = entry.popularity,
                            .created = entry.created,
                            .fresh_until = entry.fresh_until,
                            .expires = entry.expires,
                            .stale_while_revalidate = entry.stale_while_revalidate,
                            .stale_if_error = entry.stale_if_error,
                            .negative = entry.negative,
                            .compute_time = entry.compute_time,
                            .cost_microusd = entry.cost_microusd,
                            .raw_bytes = entry.body.size(),
                            .dictionary = payload.dictionary,
                            .metadata = entry.metadata,
                            .tags = entry.tags,
                            .tag_count = entry.tag_count,
                            .popularity_field = {},
                            .payload = payload.bytes});
}

RowBytes EncodeRecord(std::string_view key, const RecordView& view) {
  RowBytes record;
  record.reserve(80 + view.metadata.size() + view.tags.size() + view.payload.size());
  record.push_back(kVersion);
  const auto [shorter, longer] = std::minmax(view.stale_while_revalidate, view.stale_if_error);
  const unsigned windows = shorter == longer                        ? kSame
                           : shorter == view.stale_while_revalidate ? kRevalidateIsShorter
                                                                    : kErrorIsShorter;
  record.push_back(static_cast<char>(static_cast<unsigned>(view.codec) << kCodecShift |
                                     (view.dictionary != 0 ? kDictionaryBit : 0) |
                                     (view.negative ? kNegativeBit : 0) |
                                     windows << kWindowsShift));
  AppendVarint(record, view.number);
  AppendPopularity(record, view.popularity);
  AppendVarint(record, static_cast<std::uint64_t>(view.created.time_since_epoch().count()));
  const bool expires = view.expires != kNever;
  AppendVarint(record, expires ? (view.fresh_until - view.created).count() + 1 : 0);
  AppendVarint(record, static_cast<std::uint64_t>(longer.count()));
  if (windows != kSame) AppendVarint(record, static_cast<std::uint64_t>(shorter.count()));
  AppendVarint(record, static_cast<std::uint64_t>(view.compute_time.count()));
  AppendVarint(record, view.cost_microusd);
  AppendVarint(record, view.raw_bytes);
  if (view.dictionary != 0) AppendVarint(record, view.dictionary);
  AppendLengthPrefixed(record, view.metadata);
  AppendVarint(record, view.tag_count);
  record.append(view.tags);
  record.append(view.payload);
  AppendChecksum(key, record);
  return record;
}

std::string WithPopularity(std::string_view key, std::string_view record, const RecordView& view,
                           const Popularity& popularity) {
  const auto at = static_cast<std::size_t>(view.popularity_field.data() - record.data());
  std::string changed(record.substr(0, at));
  changed.reserve(record.size() + 10);
  AppendPopularity(changed, popularity);
  changed.append(
      record.substr(0, record.size() - kChecksumBytes).substr(at + view.popularity_field.size()));
  AppendChecksum(key, changed);
  return changed;
}

std::string EncodeTombstone(std::string_view key, std::uint64_t number, TombstoneCause cause) {
  std::string record;
  record.push_back(kVersion);
  record.push_back(static_cast<char>(static_cast<unsigned>(RecordKind::kTombstone) |
                                     static_cast<unsigned>(cause) << kCodecShift));
  AppendVarint(record, number);
  AppendChecksum(key, record);
  return record;
}

void HashTags(const RecordView& view, std::vector<TagHash>& hashes) {
  std::string_view rest = view.tags;
  std::string_view tag;
  while (ReadLengthPrefixed(rest, tag)) hashes.push_back(HashTag(tag));
}

void AppendTag(std::string& out, std::string_view tag) { AppendLengthPrefixed(out, tag); }

}  // namespace larder
