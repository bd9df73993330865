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

void AppendSampled(std::string& out, const SampledRow& row) {
  AppendLengthPrefixed(out, row.key);
  AppendVarint(out, row.tombstone ? 1 : 0);
  AppendVarint(out, row.number);
  const bool expires = row.expires != kNever;
  AppendVarint(
      out, expires ? 1 + static_cast<std::uint64_t>(row.expires.time_since_epoch().count()) : 0);
  AppendVarint(out, row.tags.size());
  for (const TagHash tag : row.tags) AppendVarint(out, tag);
}

bool ReadSampled(std::string_view& in, SampledRow& row) {
  std::string_view key;
  std::uint64_t tombstone = 0;
  std::uint64_t expires = 0;
  std::uint64_t tags = 0;
  if (!ReadLengthPrefixed(in, key) || !ReadVarint(in, tombstone) || !ReadVarint(in, row.number) ||
      !ReadVarint(in, expires) || !ReadVarint(in, tags) || tags > kMaxRecordTags) {
    return false;
  }
  row.key = key;
  row.tombstone = tombstone != 0;
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
    if (type == rocksdb::kEntryPut &&
        DecodeRecord({key.data(), key.size()}, {value.data(), value.size()}, record) ==
            RecordState::kOk) {
      if (record.dictionary != 0) dictionaries_.insert(record.dictionary);
      Sample({key.data(), key.size()}, record, key.size() + value.size());
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
  // Chao's reservoir: each byte is as likely to be in a row that is drawn.
  void Sample(std::string_view key, const RecordView& record, std::size_t bytes) {
    bytes_ += static_cast<double>(bytes);
    std::size_t place = sample_.size();
    if (place < FileNotes::kSampledRows) {
      sample_.emplace_back();
    } else {
      const double chance = FileNotes::kSampledRows * static_cast<double>(bytes) / bytes_;
      const double dice = static_cast<double>(random_()) / 4294967296.0;
      if (dice >= chance) return;
      place = random_() % FileNotes::kSampledRows;
    }
    SampledRow& row = sample_[place];
    row.key = key;
    row.tombstone = record.kind == RecordKind::kTombstone;
    row.number = record.number;
    row.expires = record.expires;
    row.tags.clear();
    HashTags(record, row.tags);
  }

  const std::uint64_t swept_;
  std::set<std::uint64_t> dictionaries_;
  std::vector<SampledRow> sample_;
  double bytes_ = 0;
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
