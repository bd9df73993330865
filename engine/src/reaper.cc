#include "reaper.h"

#include <rocksdb/compaction_filter.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record.h"

namespace larder {
namespace {

// One pass over some files. What may grow meanwhile is read once: dropping too little is safe.
class Reaper final : public rocksdb::CompactionFilter {
 public:
  explicit Reaper(const ReaperView& view)
      : now_(view.now()),
        ledger_(view.ledger()),
        oldest_lease_(ledger_ == nullptr ? 0 : view.oldest_outstanding_lease()),
        expired_(view.expired) {}

  const char* Name() const override { return "larder.reaper"; }
  // Snapshots do not pin rows: nobody reads a cache as of an earlier time.
  bool IgnoreSnapshots() const override { return true; }

  Decision FilterV2(int /*level*/, const rocksdb::Slice& key, ValueType type,
                    const rocksdb::Slice& value, std::string* new_value,
                    std::string* /*skip_until*/) const override {
    if (type != ValueType::kValue) return Decision::kKeep;
    RecordView record;
    const std::string_view key_bytes(key.data(), key.size());
    // What cannot be read here is told apart, counted and dropped by the reader who meets it.
    if (DecodeRecord(key_bytes, {value.data(), value.size()}, record) != RecordState::kOk) {
      return Decision::kKeep;
    }
    const bool needed_against_a_lease = record.number >= oldest_lease_;
    if (record.kind == RecordKind::kTombstone) {
      return needed_against_a_lease ? Decision::kKeep : Decision::kRemove;
    }
    if (record.expires > now_ && Holds(key_bytes, record)) return Decision::kKeep;
    expired_->fetch_add(1, std::memory_order_relaxed);
    if (!needed_against_a_lease) return Decision::kRemove;
    // It may have replaced a removal that an older, open lease must still find.
    *new_value = EncodeTombstone(key_bytes, record.number, TombstoneCause::kReclaimed);
    return Decision::kChangeValue;
  }

 private:
  bool Holds(std::string_view key, const RecordView& record) const {
    if (ledger_ == nullptr) return true;
    hashes_.clear();
    HashTags(record, hashes_);
    return ledger_->Holds(key, record.number, hashes_);
  }

  const TimePoint now_;
  const Ledger* const ledger_;
  const std::uint64_t oldest_lease_;
  std::atomic<std::uint64_t>* const expired_;
  mutable std::vector<TagHash> hashes_;  // a filter runs on one thread
};

class ReaperFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit ReaperFactory(ReaperView view) : view_(std::move(view)) {}
  const char* Name() const override { return "larder.reaper"; }

  bool ShouldFilterTableFileCreation(rocksdb::TableFileCreationReason reason) const override {
    return reason == rocksdb::TableFileCreationReason::kFlush ||
           reason == rocksdb::TableFileCreationReason::kCompaction;
  }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& /*context*/) override {
    return std::make_unique<Reaper>(view_);
  }

 private:
  const ReaperView view_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> MakeReaper(ReaperView view) {
  return std::make_shared<ReaperFactory>(std::move(view));
}

}  // namespace larder
