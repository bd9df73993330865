// Record: the bytes of one row in the store. The only place that knows the format; docs/format.md
// writes it out, tests/engine/record_test.cc holds a golden file per version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "entry_data.h"
#include "larder/options.h"

namespace larder {

// The tags of the readers that waited for a value, and those of its writer.
inline constexpr std::size_t kMaxFlightTags = 3 * kMaxTags;
inline constexpr std::size_t kMaxRecordTags = kMaxFlightTags + kMaxTags;

enum class RecordKind : std::uint8_t { kEntry = 0, kTombstone = 1 };
// Why a tombstone stands where it does.
enum class TombstoneCause : std::uint8_t {
  kRemoved = 0,
  kCorrupt = 1,    // in the place of a record that could not be read
  kReclaimed = 2,  // in the place of an entry that an open lease must still find to be newer
  kEvicted = 3,    // the same, of one that went for want of space
};
enum class RecordCodec : std::uint8_t { kRaw = 0, kZstd = 1 };

// A record taken apart. Views point into the record.
struct RecordView {
  RecordKind kind = RecordKind::kEntry;
  RecordCodec codec = RecordCodec::kRaw;            // of an entry
  TombstoneCause cause = TombstoneCause::kRemoved;  // of a tombstone
  std::uint64_t number = 0;
  Popularity popularity;
  TimePoint created{};
  TimePoint fresh_until = kNever;
  TimePoint expires = kNever;
  Duration stale_while_revalidate{0};
  Duration stale_if_error{0};
  bool negative = false;
  Duration compute_time{0};
  std::uint64_t cost_microusd = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t dictionary = 0;  // 0 = none
  std::string_view metadata;
  std::string_view tags;  // tag_count times: varint length, bytes; well formed
  std::uint32_t tag_count = 0;
  std::string_view popularity_field;
  std::string_view payload;
};

enum class RecordState {
  kOk,
  kCorrupt,  // checksum or structure is wrong, or it stands at another key
  kUnknown,  // sound, but of a version, kind or codec that this build does not know
};

// Trusts no length that it has not checked.
RecordState DecodeRecord(std::string_view key, std::string_view record, RecordView& view);

// An entry's body as a codec left it.
struct Payload {
  RecordCodec codec = RecordCodec::kRaw;
  std::uint64_t dictionary = 0;  // that it takes to read it; 0 = none
  std::string_view bytes;
};

RowBytes EncodeEntry(std::string_view key, const EntryData& entry, const Payload& payload);
// The record of an entry, `view` its parts, with another popularity.
std::string WithPopularity(std::string_view key, std::string_view record, const RecordView& view,
                           const Popularity& popularity);
// Any entry's record taken apart, put together again.
RowBytes EncodeRecord(std::string_view key, const RecordView& view);
std::string EncodeTombstone(std::string_view key, std::uint64_t number,
                            TombstoneCause cause = TombstoneCause::kRemoved);

// Appends the hashes of the record's tags.
void HashTags(const RecordView& view, std::vector<TagHash>& hashes);

// Tags as records hold them. Appends to `out`; the caller keeps the limits of options.h.
void AppendTag(std::string& out, std::string_view tag);

}  // namespace larder
