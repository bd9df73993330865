// What the cache tells its eviction policy, and how that outlives the process.
#include <cstdint>

#include "cache_draft.h"
#include "entry_facts.h"
#include "small_file.h"

namespace larder {
namespace {

// The record's fields beside key, tags, metadata and payload.
constexpr std::uint64_t kFieldBytes = 40;

}  // namespace

void CacheCore::NoteHit(const EntryData& entry) {
  const std::uint64_t stored = entry.stored_bytes.load(std::memory_order_relaxed);
  policy_->NoteHit({.hash = entry.key_hash,
                    .bytes = stored != 0 ? stored : entry.body.size() + kFieldBytes,
                    .cost = CostOf(entry.cost_microusd, entry.compute_time)});
}

std::uint64_t CacheCore::AccessClock() const {
  return counters_.Sum(Counter::kHits) + counters_.Sum(Counter::kStores);
}

// The caller holds the key's stripe, and has compared with what is there.
void CacheCore::Encode(Draft& draft) {
  EntryData& entry = *draft.entry;
  const EntryFacts facts{.hash = draft.hash,
                         .bytes = draft.MostBytes() - 128 + kFieldBytes,
                         .cost = CostOf(entry.cost_microusd, entry.compute_time)};
  entry.popularity = policy_->NoteStored(facts, AccessClock(), draft.replaced);
  draft.record = EncodeEntry(draft.key, entry, draft.payload);
}

// Without it counts start anew; the rows keep theirs.
void CacheCore::LoadPopularity() {
  popularity_saved_at_ = AccessClock();
  const std::string path = PathOf("popularity");
  const Result<ByteSource> saved = OpenFile(path);
  Status status = saved.status();
  if (status.code() == StatusCode::kNotFound) return;
  if (status.ok()) status = policy_->Load(*saved);
  if (!status.ok()) Log(LogLevel::kWarning, "load " + path + ": " + status.ToString());
}

void CacheCore::SavePopularity() {
  const std::uint64_t clock = AccessClock();
  if (clock == popularity_saved_at_ || !CheckDirectory().ok()) return;
  const Status status = ReplaceFile(
      PathOf("popularity"), [this](const ByteSink& sink) { return policy_->Save(sink); },
      "state written");
  if (status.ok()) {
    popularity_saved_at_ = clock;
  } else {
    Log(LogLevel::kWarning, "save popularity: " + status.ToString());
  }
}

void CacheCore::TellPolicySize() {
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  if (!pass) return;
  policy_->SetSize({.entries = supervisor_->store().EstimatedRows(),
                    .bytes = supervisor_->store().TableBytes(),
                    .capacity_bytes = budget_.TablesTarget()});
}

}  // namespace larder
