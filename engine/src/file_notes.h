// FileNotes: what each table of the store says of its rows, so that it need not be read to know
// what it takes to read it, when a sweep last went over it, and how much of it is dead.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "larder/clock.h"
#include "ledger.h"

namespace rocksdb {
class TablePropertiesCollectorFactory;
}  // namespace rocksdb

namespace larder {

class RunningMerges;

// A row of a table, drawn at random, as likely as it is large.
struct SampledRow {
  std::string key = {};
  bool tombstone = false;
  bool deletion =
      false;  // one of RocksDB's, which has but a key: what it hides lies in levels below
  std::uint64_t number = 0;
  TimePoint expires = kNever;
  std::vector<TagHash> tags = {};
};

struct FileNotes {
  static constexpr std::size_t kSampledRows = 32;

  // Which its records need; nullopt: it does not say.
  std::optional<std::set<std::uint64_t>> dictionaries = {};
  // The access clock when the eviction policy judged its rows; 0 = never.
  std::uint64_t swept = 0;
  // At most kSampledRows, encoded: ReadSample.
  std::string sample = {};
};

// What is damaged, or was written by another build, is left out.
FileNotes ReadFileNotes(const std::map<std::string, std::string>& properties);
std::vector<SampledRow> ReadSample(const std::string& sample);

// Writes them.
std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> MakeFileNotes(
    std::shared_ptr<RunningMerges> merges);

}  // namespace larder
