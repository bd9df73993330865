#include "dictionary_collector.h"

#include <rocksdb/table_properties.h>

#include <string_view>

#include "record.h"
#include "varint.h"

namespace larder {
namespace {

class Collector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& value,
                             rocksdb::EntryType type, rocksdb::SequenceNumber /*sequence*/,
                             std::uint64_t /*file_size*/) override {
    RecordView record;
    if (type == rocksdb::kEntryPut &&
        DecodeRecord({key.data(), key.size()}, {value.data(), value.size()}, record) ==
            RecordState::kOk &&
        record.dictionary != 0) {
      ids_.insert(record.dictionary);
    }
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    std::string ids;
    for (const std::uint64_t id : ids_) AppendVarint(ids, id);
    (*properties)[kDictionariesProperty] = std::move(ids);
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override {
    return {{kDictionariesProperty, std::to_string(ids_.size())}};
  }
  const char* Name() const override { return kDictionariesProperty; }

 private:
  std::set<std::uint64_t> ids_;
};

class CollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(
      rocksdb::TablePropertiesCollectorFactory::Context /*context*/) override {
    return new Collector;
  }
  const char* Name() const override { return kDictionariesProperty; }
};

}  // namespace

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> MakeDictionaryCollector() {
  return std::make_shared<CollectorFactory>();
}

bool ReadDictionariesProperty(const std::string& property, std::set<std::uint64_t>& ids) {
  std::string_view in = property;
  std::uint64_t id = 0;
  while (!in.empty()) {
    if (!ReadVarint(in, id)) return false;
    ids.insert(id);
  }
  return true;
}

}  // namespace larder
