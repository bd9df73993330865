// Dictionaries: which there are, and making one when asked to. The steward makes them by itself.
#include <algorithm>
#include <string>
#include <vector>

#include "cache_lookup.h"

namespace larder {
namespace {

// Enough for the trainer to fill its sample with what most caches hold.
constexpr std::size_t kMostFiles = 64;
constexpr std::size_t kRows = 4096;

}  // namespace

Result<std::vector<DictionaryInfo>> CacheCore::Dictionaries() {
  const Gate::Pass call = calls_.Enter();
  if (!call) return Status(StatusCode::kUnavailable, "the cache is closed");
  std::vector<DictionaryInfo> infos;
  for (const DictionaryPtr& dictionary : dictionaries_->All()) {
    infos.push_back({.id = dictionary->id(), .bytes = dictionary->bytes().size()});
  }
  if (!infos.empty()) infos.back().writing = trainer_ != nullptr && codec_->level() != 0;
  const Status status = supervisor_->RunLong([&infos](Store& store) {
    for (const StoreFile& file : store.Files()) {
      if (!file.notes.dictionaries.has_value()) continue;
      for (DictionaryInfo& info : infos) {
        if (file.notes.dictionaries->contains(info.id)) ++info.files;
      }
    }
    return Status::Ok();
  });
  if (!status.ok()) return status;
  return infos;
}

// What was stored since opening, and as much again of what lies in the store, from all of its keys.
Status CacheCore::SampleStore() {
  std::vector<std::string> starts;
  Status status = supervisor_->RunLong([&starts](Store& store) {
    if (Status flushed = store.Flush(); !flushed.ok()) return flushed;
    for (StoreFile& file : store.Files()) starts.push_back(std::move(file.smallest));
    return Status::Ok();
  });
  if (!status.ok()) return status;
  if (starts.empty()) return Status::Ok();
  std::sort(starts.begin(), starts.end());
  const std::size_t step = (starts.size() + kMostFiles - 1) / kMostFiles;
  const std::size_t rows = kRows / std::min(starts.size(), kMostFiles);
  for (std::size_t i = 0; i < starts.size(); i += step) {
    ScanOptions options;
    options.limit = rows;
    options.bodies = true;
    options.cursor = starts[i];
    const Result<ScanPage> page = Scan(options);
    if (!page.ok()) return page.status();
    for (const ScanItem& item : page->items) trainer_->Note(item.entry.body());
  }
  return Status::Ok();
}

Result<DictionaryTraining> CacheCore::TrainNow() {
  const Gate::Pass call = calls_.Enter();
  if (!call) return Status(StatusCode::kUnavailable, "the cache is closed");
  if (trainer_ == nullptr || codec_->level() == 0) {
    return Status(StatusCode::kInvalidArgument,
                  "compression.dictionary is off, or compression.level 0: none is used");
  }
  if (Status status = SampleStore(); !status.ok()) return status;
  return TrainDictionary();
}

}  // namespace larder
