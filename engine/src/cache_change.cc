// Options changed while the cache is open.
#include "cache_core.h"
#include "options_change.h"

namespace larder {

void Apply(const OptionsChange& change, Options& options) {
  options.max_disk_bytes = change.max_disk_bytes.value_or(options.max_disk_bytes);
  options.max_memory_bytes = change.max_memory_bytes.value_or(options.max_memory_bytes);
  options.compression.level = change.compression_level.value_or(options.compression.level);
  options.default_ttl = change.default_ttl.value_or(options.default_ttl);
  options.ttl_jitter = change.ttl_jitter.value_or(options.ttl_jitter);
  options.stale_while_revalidate =
      change.stale_while_revalidate.value_or(options.stale_while_revalidate);
  options.stale_if_error = change.stale_if_error.value_or(options.stale_if_error);
  options.negative_ttl = change.negative_ttl.value_or(options.negative_ttl);
}

void CacheCore::SetLevel(int level) {
  if (level == codec_->level()) return;
  if (level != 0) dictionaries_->SetLevel(level);
  if (level != 0 && trainer_ != nullptr) trainer_->SetLevel(level);
  codec_->SetLevel(level);
}

// The store's own part, its write buffers but for their sizes, which it gets with its plan.
void CacheCore::SetMemory(std::uint64_t max_memory_bytes) {
  if (max_memory_bytes > max_memory_bytes_) pinned_too_much_ = false;
  max_memory_bytes_ = max_memory_bytes;
  const MemoryPlan memory = PlanMemory();
  budget_.SetMostWriteBuffer(memory.write_buffer_bytes);
  values_in_flight_.SetLimit(memory.in_flight_bytes);
  write_queue_.SetLimit(memory.queue_bytes);
  kept_blocks_.Set(memory.kept_bytes);
  policy_->LimitEntries(memory.policy_bytes / EvictionPolicy::kMostBytesAnEntry);
  if (options_.group == nullptr) {
    store_memory_->Set(memory.store_bytes, budget_.plan().memtable_bytes());
  }
  if (internals_.ledger_tags == 0) ledger_->SetMaxTags(memory.ledger_tags);
  ShareMemory();
}

Status CacheCore::Change(const OptionsChange& change) {
  const Gate::Pass call = calls_.Enter();
  if (!call) return {StatusCode::kUnavailable, "the cache is closed"};
  const std::lock_guard lock(change_mutex_);
  Options changed = live_.In(options_);
  changed.max_disk_bytes = budget_.plan().limit;
  changed.max_memory_bytes = max_memory_bytes_;
  changed.compression.level = codec_->level();
  Apply(change, changed);
  if (Status status = changed.Validate(); !status.ok()) return status;
  live_.Set(changed);
  SetLevel(changed.compression.level);
  const bool same_disk = changed.max_disk_bytes == budget_.plan().limit;
  const bool same_memory = changed.max_memory_bytes == max_memory_bytes_;
  if (same_disk && same_memory) return Status::Ok();
  budget_.SetLimit(changed.max_disk_bytes);
  SetMemory(changed.max_memory_bytes);
  // If the store is not serving it gets them when it is opened anew.
  const Status status = supervisor_->RunLong([&](Store& store) {
    SpacePlan plan = budget_.plan();
    if (internals_.write_buffer_bytes != 0) plan.write_buffer_bytes = internals_.write_buffer_bytes;
    return store.SetPlan(plan);
  });
  if (!status.ok()) Log(LogLevel::kWarning, "change sizes of the store: " + status.ToString());
  return Status::Ok();
}

}  // namespace larder
