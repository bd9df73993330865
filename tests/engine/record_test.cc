#include "record.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <fstream>
#include <random>
#include <sstream>
#include <string>

namespace larder {
namespace {

constexpr std::string_view kKey = "the key";
const TimePoint kCreated{std::chrono::milliseconds(1'764'000'000'123)};

std::shared_ptr<const EntryData> SampleEntry() {
  const auto shared = std::make_shared<EntryData>();
  EntryData& entry = *shared;
  entry.number = (std::uint64_t{7} << 32) + 42;
  entry.created = kCreated;
  entry.fresh_until = kCreated + std::chrono::hours(24);
  entry.stale_while_revalidate = entry.stale_if_error = std::chrono::minutes(5);
  entry.expires = entry.fresh_until + std::chrono::minutes(5);
  entry.compute_time = Duration(1830);
  entry.cost_microusd = 4200;
  entry.popularity = {.count = 41, .stamp = 300};
  std::string tags;
  AppendTag(tags, "model:gpt-4o");
  AppendTag(tags, "team:search");
  const std::string_view body = "the body as it is";
  char* out = FillEntry(entry, "meta\0data", tags, 2, body.size());
  std::copy(body.begin(), body.end(), out);
  return shared;
}

std::string Encode(const EntryData& entry) {
  return std::string(EncodeEntry(kKey, entry, {.bytes = entry.body}));
}

// Gives changed bytes a checksum that verifies, as a bug in a writer would.
std::string Reseal(std::string record) {
  record.resize(record.size() - 8);
  std::uint64_t sum =
      XXH3_64bits_withSeed(record.data(), record.size(), XXH3_64bits(kKey.data(), kKey.size()));
  for (int i = 0; i < 8; ++i, sum >>= 8) record.push_back(static_cast<char>(sum & 0xff));
  return record;
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return hex;
}

std::shared_ptr<const EntryData> NegativeEntry() {
  auto entry = std::make_shared<EntryData>();
  entry->number = 300;
  entry->negative = true;
  entry->created = kCreated;
  entry->fresh_until = kCreated + std::chrono::seconds(30);
  entry->stale_while_revalidate = std::chrono::seconds(5);
  entry->stale_if_error = std::chrono::seconds(7);
  entry->expires = entry->fresh_until + std::chrono::seconds(7);
  FillEntry(*entry, {}, {}, 0, 0);
  return entry;
}

TEST(RecordTest, EntryComesBackWithEveryField) {
  const auto shared = SampleEntry();
  const EntryData& entry = *shared;
  const std::string record = Encode(entry);
  RecordView view;
  ASSERT_EQ(DecodeRecord(kKey, record, view), RecordState::kOk);
  EXPECT_EQ(view.kind, RecordKind::kEntry);
  EXPECT_EQ(view.codec, RecordCodec::kRaw);
  EXPECT_EQ(view.number, entry.number);
  EXPECT_EQ(view.popularity, entry.popularity);
  EXPECT_EQ(view.created, entry.created);
  EXPECT_EQ(view.fresh_until, entry.fresh_until);
  EXPECT_EQ(view.expires, entry.expires);
  EXPECT_EQ(view.compute_time, entry.compute_time);
  EXPECT_EQ(view.cost_microusd, entry.cost_microusd);
  EXPECT_EQ(view.raw_bytes, entry.body.size());
  EXPECT_EQ(view.metadata, entry.metadata);
  EXPECT_EQ(view.tags, entry.tags);
  EXPECT_EQ(view.tag_count, 2u);
  EXPECT_EQ(view.payload, entry.body);
}

TEST(RecordTest, PopularityIsReplacedAndNothingElse) {
  const auto entry = SampleEntry();
  const std::string record = Encode(*entry);
  RecordView view;
  ASSERT_EQ(DecodeRecord(kKey, record, view), RecordState::kOk);
  for (const Popularity changed : {Popularity{0, 0}, Popularity{255, UINT64_MAX}}) {
    const std::string refreshed = WithPopularity(kKey, record, view, changed);
    EntryData expected;
    expected.number = entry->number;
    expected.created = entry->created;
    expected.fresh_until = entry->fresh_until;
    expected.expires = entry->expires;
    expected.stale_while_revalidate = entry->stale_while_revalidate;
    expected.stale_if_error = entry->stale_if_error;
    expected.compute_time = entry->compute_time;
    expected.cost_microusd = entry->cost_microusd;
    expected.popularity = changed;
    char* out = FillEntry(expected, entry->metadata, entry->tags, 2, entry->body.size());
    std::copy(entry->body.begin(), entry->body.end(), out);
    EXPECT_EQ(refreshed, Encode(expected));
  }
}

TEST(RecordTest, DictionaryOfAPayloadComesBack) {
  const auto entry = SampleEntry();
  const RowBytes record = EncodeEntry(
      kKey, *entry, {.codec = RecordCodec::kZstd, .dictionary = 300, .bytes = "packed"});
  RecordView view;
  ASSERT_EQ(DecodeRecord(kKey, record, view), RecordState::kOk);
  EXPECT_EQ(view.codec, RecordCodec::kZstd);
  EXPECT_EQ(view.dictionary, 300u);
  EXPECT_EQ(view.raw_bytes, entry->body.size());
  EXPECT_EQ(view.payload, "packed");
}

TEST(RecordTest, EntryWithoutExpiryComesBackWithoutExpiry) {
  EntryData entry;
  entry.number = 1;
  entry.created = kCreated;
  RecordView view;
  ASSERT_EQ(DecodeRecord(kKey, Encode(entry), view), RecordState::kOk);
  EXPECT_EQ(view.fresh_until, kNever);
  EXPECT_EQ(view.expires, kNever);
}

TEST(RecordTest, TombstoneIsItsNumberAlone) {
  const std::string record = EncodeTombstone(kKey, 300);
  EXPECT_EQ(record.size(), 2u + 2u + 8u);
  RecordView view;
  ASSERT_EQ(DecodeRecord(kKey, record, view), RecordState::kOk);
  EXPECT_EQ(view.kind, RecordKind::kTombstone);
  EXPECT_EQ(view.number, 300u);
}

TEST(RecordTest, AnyFlippedBitIsCorrupt) {
  const std::string record = Encode(*SampleEntry());
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    RecordView view;
    EXPECT_EQ(DecodeRecord(kKey, damaged, view), RecordState::kCorrupt) << "bit " << bit;
  }
}

TEST(RecordTest, StaleWindowsAndNegativityComeBack) {
  const auto minutes = [](int n) { return Duration(std::chrono::minutes(n)); };
  for (const auto& [revalidate, error] :
       {std::pair{0, 0}, std::pair{5, 5}, std::pair{0, 5}, std::pair{5, 0}, std::pair{3, 200}}) {
    for (const bool negative : {false, true}) {
      for (const bool expires : {false, true}) {
        EntryData entry;
        entry.number = 9;
        entry.created = kCreated;
        entry.stale_while_revalidate = minutes(revalidate);
        entry.stale_if_error = minutes(error);
        entry.negative = negative;
        if (expires) {
          entry.fresh_until = kCreated + minutes(60);
          entry.expires = entry.fresh_until + minutes(std::max(revalidate, error));
        }
        RecordView view;
        ASSERT_EQ(DecodeRecord(kKey, Encode(entry), view), RecordState::kOk);
        EXPECT_EQ(view.stale_while_revalidate, minutes(revalidate));
        EXPECT_EQ(view.stale_if_error, minutes(error));
        EXPECT_EQ(view.negative, negative);
        EXPECT_EQ(view.expires, entry.expires);
        EXPECT_EQ(std::string(EncodeRecord(kKey, view)), Encode(entry));
      }
    }
  }
}

TEST(RecordTest, AnyTruncationIsCorrupt) {
  const std::string record = Encode(*SampleEntry());
  for (std::size_t size = 0; size < record.size(); ++size) {
    RecordView view;
    EXPECT_EQ(DecodeRecord(kKey, record.substr(0, size), view), RecordState::kCorrupt) << size;
  }
}

TEST(RecordTest, SoundRecordAtAnotherKeyIsCorrupt) {
  RecordView view;
  EXPECT_EQ(DecodeRecord("another key", Encode(*SampleEntry()), view), RecordState::kCorrupt);
}

TEST(RecordTest, UnknownVersionKindOrCodecIsUnknown) {
  const std::string record = Encode(*SampleEntry());
  const auto with = [&](std::size_t index, char value) {
    std::string changed = record;
    changed[index] = value;
    RecordView view;
    return DecodeRecord(kKey, Reseal(changed), view);
  };
  EXPECT_EQ(with(0, 2), RecordState::kUnknown);
  EXPECT_EQ(with(1, 0x02), RecordState::kUnknown);                     // kind 2
  EXPECT_EQ(with(1, 0x08), RecordState::kUnknown);                     // codec 2
  EXPECT_EQ(with(1, static_cast<char>(0xc0)), RecordState::kUnknown);  // windows 3
}

TEST(RecordTest, NoLengthInsideIsTrusted) {
  const std::string record = Encode(*SampleEntry());
  std::mt19937_64 random(20261122);
  for (int round = 0; round < 200'000; ++round) {
    std::string damaged = record;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) {
      damaged[random() % (damaged.size() - 8)] = static_cast<char>(random());
    }
    if (random() % 4 == 0) damaged.resize(11 + random() % (damaged.size() - 11));
    damaged = Reseal(damaged);
    RecordView view;
    if (DecodeRecord(kKey, damaged, view) != RecordState::kOk) continue;
    // What is accepted lies within the record.
    const char* end = damaged.data() + damaged.size() - 8;
    for (const std::string_view part : {view.metadata, view.tags, view.payload}) {
      if (part.empty()) continue;
      EXPECT_GE(part.data(), damaged.data());
      EXPECT_LE(part.data() + part.size(), end);
    }
  }
}

// Lines of `name key record`, key and record in hex. To be added to, never changed: a build must
// read what every older one wrote.
TEST(RecordTest, ReadsAndWritesTheGoldenRecordsOfVersion1) {
  std::ifstream file(LARDER_TEST_DATA_DIR "/format/records_v1.txt");
  ASSERT_TRUE(file.is_open());
  std::string name;
  std::string key;
  std::string hex;
  int seen = 0;
  while (file >> name >> key >> hex) {
    RecordView view;
    const std::string record = FromHex(hex);
    ASSERT_EQ(DecodeRecord(FromHex(key), record, view), RecordState::kOk) << name;
    if (name == "entry") {
      EXPECT_EQ(ToHex(Encode(*SampleEntry())), hex);
      EXPECT_EQ(view.cost_microusd, 4200u);
    } else if (name == "negative") {
      EXPECT_TRUE(view.negative);
      EXPECT_EQ(ToHex(Encode(*NegativeEntry())), hex);
      EXPECT_EQ(view.stale_if_error, Duration(7000));
    } else if (name == "tombstone") {
      EXPECT_EQ(ToHex(EncodeTombstone(kKey, 300)), hex);
    }
    ++seen;
  }
  EXPECT_EQ(seen, 3) << "entry " << ToHex(kKey) << ' ' << ToHex(Encode(*SampleEntry()))
                     << "\nnegative " << ToHex(kKey) << ' ' << ToHex(Encode(*NegativeEntry()))
                     << "\ntombstone " << ToHex(kKey) << ' ' << ToHex(EncodeTombstone(kKey, 300));
}

}  // namespace
}  // namespace larder
