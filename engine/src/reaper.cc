#include "reaper.h"

#include <rocksdb/compaction_filter.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "entry_facts.h"
#include "hot_tier.h"
#include "record.h"

namespace larder {
namespace {

// One pass over some files. What may grow meanwhile is read once: dropping too little is safe.
class Reaper final : public rocksdb::CompactionFilter {
 public:
  Reaper(const ReaperView& view, std::shared_ptr<RunningMerge> merge)
      : view_(view),
        now_(view.now()),
        ledger_(view.ledger()),
        oldest_lease_(ledger_ == nullptr ? 0
                                         : view.oldest_outstanding_lease(merge != nullptr &&
                                                                         merge->slice.has_value())),
        merge_(std::move(merge)) {
    if (merge_ == nullptr || !merge_->slice.has_value()) return;
    sweep_.reset(new EvictionPolicy::Sweep(view.policy->BeginSweep(*merge_->slice)));
  }

  const char* Name() const override { return "larder.reaper"; }
  // Snapshots do not pin rows: nobody reads a cache as of an earlier time.
  bool IgnoreSnapshots() const override { return true; }

  Decision FilterV2(int /*level*/, const rocksdb::Slice& key, ValueType type,
                    const rocksdb::Slice& value, std::string* new_value,
                    std::string* /*skip_until*/) const override {
    if (type != ValueType::kValue) return Decision::kKeep;  // RocksDB does not ask about deletions
    RecordView record;
    const std::string_view key_bytes(key.data(), key.size());
    const std::string_view row(value.data(), value.size());
    const std::uint64_t bytes = key.size() + value.size();
    const RecordState state = DecodeRecord(key_bytes, row, record);
    if (state != RecordState::kOk) return Unreadable(key_bytes, bytes, state);
    if (record.kind == RecordKind::kTombstone) {
      if (record.number >= oldest_lease_) {
        if (merge_ != nullptr) merge_->grant->Spend(bytes, DropBytes(key_bytes));
        return Decision::kKeep;
      }
      if (merge_ != nullptr) merge_->expired_bytes += bytes;
      return Remove(key_bytes);
    }
    if (record.expires > now_ && Holds(key_bytes, record)) {
      return merge_ == nullptr ? Decision::kKeep : Weigh(key_bytes, row, record, new_value);
    }
    view_.expired->fetch_add(1, std::memory_order_relaxed);
    if (merge_ != nullptr) merge_->expired_bytes += bytes;
    return Drop(key_bytes, record, TombstoneCause::kReclaimed, new_value);
  }

 private:
  bool Holds(std::string_view key, const RecordView& record) const {
    if (ledger_ == nullptr) return true;
    hashes_.clear();
    HashTags(record, hashes_);
    return ledger_->Holds(key, record.number, hashes_);
  }

  // Told apart, counted and replaced by the reader who meets it. A store that is full of what
  // another version wrote makes room by it first: in the last level nothing lies below that it hid.
  Decision Unreadable(std::string_view key, std::uint64_t bytes, RecordState state) const {
    if (merge_ == nullptr) return Decision::kKeep;
    const bool evicts = sweep_ != nullptr && merge_->slice->drop > 0;
    if (evicts && state == RecordState::kUnknown && !merge_->drops_leave_deletions) {
      ++merge_->evicted;
      merge_->evicted_bytes += bytes;
      return Remove(key);
    }
    merge_->grant->Spend(bytes, DropBytes(key));
    return Decision::kKeep;
  }

  // A live row of a merge that has an account of its space.
  Decision Weigh(std::string_view key, std::string_view row, const RecordView& record,
                 std::string* new_value) const {
    const EntryFacts facts{.hash = HotTier::HashKey(key),
                           .bytes = key.size() + row.size(),
                           .cost = CostOf(record.cost_microusd, record.compute_time)};
    std::optional<Popularity> popularity = record.popularity;
    if (sweep_ != nullptr) popularity = sweep_->Judge(facts, record.popularity);
    if (!popularity.has_value() || !merge_->grant->Keep(facts.bytes, DropBytes(key))) {
      ++merge_->evicted;
      merge_->evicted_bytes += facts.bytes;
      view_.evicted(key, record, facts);
      return Drop(key, record, TombstoneCause::kEvicted, new_value);
    }
    if (*popularity == record.popularity) return Decision::kKeep;
    *new_value = WithPopularity(key, row, record, *popularity);
    return Decision::kChangeValue;
  }

  // It may have replaced a removal that an older, open lease must still find.
  Decision Drop(std::string_view key, const RecordView& record, TombstoneCause cause,
                std::string* new_value) const {
    if (record.number < oldest_lease_) return Remove(key);
    *new_value = EncodeTombstone(key, record.number, cause);
    if (merge_ != nullptr) merge_->grant->Spend(key.size() + new_value->size(), DropBytes(key));
    return Decision::kChangeValue;
  }

  Decision Remove(std::string_view key) const {
    if (merge_ != nullptr) merge_->grant->Spend(DropBytes(key), DropBytes(key));
    return Decision::kRemove;
  }
  std::uint64_t DropBytes(std::string_view key) const {
    if (merge_ == nullptr || !merge_->drops_leave_deletions) return 0;
    return key.size() + SpaceBudget::kDeletionBytes;
  }

  const ReaperView& view_;
  const TimePoint now_;
  const Ledger* const ledger_;
  const std::uint64_t oldest_lease_;
  const std::shared_ptr<RunningMerge> merge_;
  std::unique_ptr<EvictionPolicy::Sweep> sweep_;
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
      const rocksdb::CompactionFilter::Context& context) override {
    const bool merges = context.reason == rocksdb::TableFileCreationReason::kCompaction;
    return std::make_unique<Reaper>(view_, merges ? view_.merges->OfThisThread() : nullptr);
  }

 private:
  const ReaperView view_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> MakeReaper(ReaperView view) {
  return std::make_shared<ReaperFactory>(std::move(view));
}

}  // namespace larder
