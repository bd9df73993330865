#include "file_notes.h"

#include <rocksdb/table_properties.h>

#include <random>
#include <string_view>
#include <utility>

#include "record.h"
#include "running_merges.h"
#include "varint.h"

namespace larder {
namespace {

constexpr char kName[] = "larder.notes";
constexpr char kDictionaries[] = "larder.dictionaries";
constexpr char kSwept[] = "larder.swept";
constexpr char kSample[] = "larder.sample";
// What a sampled row is.
constexpr std::uint64_t kEntry = 0;
constexpr std::uint64_t kTombstone = 1;
constexpr std::uint64_t kDeletion = 2;

void AppendSampled(std::string& out, const SampledRow& row) {
  AppendLengthPrefixed(out, row.key);
  AppendVarint(out, row.deletion ? kDeletion : row.tombstone ? kTombstone : kEntry);
  AppendVarint(out, row.number);
  const bool expires = row.expires != kNever;
  AppendVarint(
      out, expires ? 1 + static_cast<std::uint64_t>(row.expires.time_since_epoch().count()) : 0);
  AppendVarint(out, row.tags.size());
  for (const TagHash tag : row.tags) AppendVarint(out, tag);
}

bool ReadSampled(std::string_view& in, SampledRow& row) {
  std::string_view key;
  std::uint64_t kind = 0;
  std::uint64_t expires = 0;
  std::uint64_t tags = 0;
  if (!ReadLengthPrefixed(in, key) || !ReadVarint(in, kind) || !ReadVarint(in, row.number) ||
      !ReadVarint(in, expires) || !ReadVarint(in, tags) || tags > kMaxRecordTags) {
    return false;
  }
  row.key = key;
  row.tombstone = kind == kTombstone;
  row.deletion = kind == kDeletion;
  if (expires != 0) row.expires = TimePoint(Duration(static_cast<Duration::rep>(expires - 1)));
  row.tags.resize(tags);
  for (TagHash& tag : row.tags) {
    if (!ReadVarint(in, tag)) return false;
  }
  return true;
}

bool ReadDictionaries(std::string_view in, std::set<std::uint64_t>& ids) {
  std::uint64_t id = 0;
  while (!in.empty()) {
    if (!ReadVarint(in, id)) return false;
    ids.insert(id);
  }
  return true;
}

class Collector final : public rocksdb::TablePropertiesCollector {
 public:
  explicit Collector(std::uint64_t swept) : swept_(swept) {}

  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& value,
                             rocksdb::EntryType type, rocksdb::SequenceNumber /*sequence*/,
                             std::uint64_t /*file_size*/) override {
    RecordView record;
    const std::string_view key_bytes(key.data(), key.size());
    if (type == rocksdb::kEntryDelete) {
      // As large as what it hides, as far as can be guessed here.
      const double bytes = rows_ > 0 ? row_bytes_ / rows_ : static_cast<double>(key.size());
      if (SampledRow* row = Draw(key_bytes, bytes)) row->deletion = true;
    } else if (type == rocksdb::kEntryPut &&
               DecodeRecord(key_bytes, {value.data(), value.size()}, record) == RecordState::kOk) {
      if (record.dictionary != 0) dictionaries_.insert(record.dictionary);
      const auto bytes = static_cast<double>(key.size() + value.size());
      ++rows_;
      row_bytes_ += bytes;
      Sample(key_bytes, record, bytes);
    }
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    std::string ids;
    for (const std::uint64_t id : dictionaries_) AppendVarint(ids, id);
    (*properties)[kDictionaries] = std::move(ids);
    std::string swept;
    AppendVarint(swept, swept_);
    (*properties)[kSwept] = std::move(swept);
    std::string sample;
    for (const SampledRow& row : sample_) AppendSampled(sample, row);
    (*properties)[kSample] = std::move(sample);
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override {
    return {{kDictionaries, std::to_string(dictionaries_.size())},
            {kSwept, std::to_string(swept_)}};
  }
  const char* Name() const override { return kName; }

 private:
  // A place for it in the sample, if it is drawn. Chao's reservoir: each byte is as likely to be in
  // a row that is.
  SampledRow* Draw(std::string_view key, double bytes) {
    bytes_ += bytes;
    std::size_t place = sample_.size();
    if (place < FileNotes::kSampledRows) {
      sample_.emplace_back();
    } else {
      const double chance = FileNotes::kSampledRows * bytes / bytes_;
      const double dice = static_cast<double>(random_()) / 4294967296.0;
      if (dice >= chance) return nullptr;
      place = random_() % FileNotes::kSampledRows;
    }
    sample_[place] = {.key = std::string(key)};
    return &sample_[place];
  }
  void Sample(std::string_view key, const RecordView& record, double bytes) {
    SampledRow* const row = Draw(key, bytes);
    if (row == nullptr) return;
    row->tombstone = record.kind == RecordKind::kTombstone;
    row->number = record.number;
    row->expires = record.expires;
    HashTags(record, row->tags);
  }

  const std::uint64_t swept_;
  std::set<std::uint64_t> dictionaries_;
  std::vector<SampledRow> sample_;
  double bytes_ = 0;      // of all that could be drawn
  double row_bytes_ = 0;  // of that, entries and tombstones, and how many
  double rows_ = 0;
  std::minstd_rand random_;
};

class CollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  explicit CollectorFactory(std::shared_ptr<RunningMerges> merges) : merges_(std::move(merges)) {}

  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(
      rocksdb::TablePropertiesCollectorFactory::Context /*context*/) override {
    const std::shared_ptr<RunningMerge> merge = merges_->OfThisThread();
    return new Collector(merge != nullptr ? merge->swept : 0);
  }
  const char* Name() const override { return kName; }

 private:
  const std::shared_ptr<RunningMerges> merges_;
};

}  // namespace

FileNotes ReadFileNotes(const std::map<std::string, std::string>& properties) {
  FileNotes notes;
  const auto dictionaries = properties.find(kDictionaries);
  std::set<std::uint64_t> ids;
  if (dictionaries != properties.end() && ReadDictionaries(dictionaries->second, ids)) {
    notes.dictionaries = std::move(ids);
  }
  const auto swept = properties.find(kSwept);
  if (swept != properties.end()) {
    std::string_view in = swept->second;
    if (!ReadVarint(in, notes.swept)) notes.swept = 0;
  }
  const auto sample = properties.find(kSample);
  if (sample != properties.end()) notes.sample = sample->second;
  return notes;
}

std::vector<SampledRow> ReadSample(const std::string& sample) {
  std::vector<SampledRow> rows;
  std::string_view in = sample;
  SampledRow row;
  while (!in.empty() && ReadSampled(in, row)) rows.push_back(std::move(row));
  return rows;
}

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> MakeFileNotes(
    std::shared_ptr<RunningMerges> merges) {
  return std::make_shared<CollectorFactory>(std::move(merges));
}

}  // namespace larder
