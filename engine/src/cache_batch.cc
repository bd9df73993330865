// Reads and writes of many keys at a time.
#include <algorithm>
#include <deque>
#include <set>

#include "cache_draft.h"
#include "cache_lookup.h"
#include "kill_point.h"

namespace larder {
namespace {

// Rows pinned, and stripes held, at a time.
constexpr std::size_t kMaxKeysAtOnce = 64;
constexpr std::size_t kMaxBytesAtOnce = std::size_t{4} << 20;  // of bodies
// One of this size gains nothing by company, and has to wait its turn for memory.
constexpr std::size_t kAlone = std::size_t{64} << 10;

}  // namespace

std::vector<std::optional<Hit>> CacheCore::MultiGet(std::span<const std::string_view> keys,
                                                    const ReadOptions& options) {
  std::vector<std::optional<Hit>> hits(keys.size());
  if (calls_.shut()) return hits;
  Query query = MakeQuery(options);
  std::vector<std::size_t> on_disk;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!CheckKey(keys[i]).ok()) continue;
    const Lookup lookup = FindBesideDisk(keys[i], HotTier::HashKey(keys[i]), query);
    if (lookup.in_memory) {
      hits[i] = CountLookup(keys[i], lookup);
    } else {
      on_disk.push_back(i);
    }
  }
  for (std::size_t from = 0; from < on_disk.size(); from += kMaxKeysAtOnce) {
    const std::size_t count = std::min(kMaxKeysAtOnce, on_disk.size() - from);
    GetFromStore(keys, std::span(on_disk).subspan(from, count), query, hits);
  }
  return hits;
}

void CacheCore::GetFromStore(std::span<const std::string_view> keys,
                             std::span<const std::size_t> which, Query& query,
                             std::span<std::optional<Hit>> hits) {
  std::vector<std::string_view> wanted;
  std::vector<std::uint64_t> versions;  // read before the rows
  for (const std::size_t i : which) {
    wanted.push_back(keys[i]);
    const std::uint64_t hash = HotTier::HashKey(keys[i]);
    versions.push_back(StripeOf(hash).version.load(std::memory_order_acquire));
  }
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  std::vector<PinnedRow> rows(wanted.size());  // goes before the pass: rows are the store's
  std::vector<ReadOutcome> outcomes;
  if (pass) outcomes = supervisor_->MultiGet(wanted, rows);
  for (std::size_t n = 0; n < wanted.size(); ++n) {
    Lookup lookup;
    lookup.miss = MissReason::kFault;
    if (pass) {
      lookup = Take(wanted[n], HotTier::HashKey(wanted[n]), versions[n], outcomes[n],
                    rows[n].bytes(), query);
    }
    hits[which[n]] = CountLookup(wanted[n], lookup);
  }
}

std::vector<Result<PutOutcome>> CacheCore::MultiPut(std::span<const PutRequest> puts) {
  std::vector<Result<PutOutcome>> outcomes;
  outcomes.reserve(puts.size());
  std::deque<Draft> drafts;
  std::vector<std::size_t> which;
  std::size_t bytes = 0;
  const auto write = [&] {
    if (drafts.empty()) return;
    std::vector<Result<PutOutcome>> written = PutSome(drafts);
    for (std::size_t n = 0; n < which.size(); ++n) {
      TellWritten(drafts[n].key, *drafts[n].entry, written[n]);
      outcomes[which[n]] = std::move(written[n]);
    }
    drafts.clear();
    which.clear();
    bytes = 0;
  };
  for (const PutRequest& put : puts) {
    if (put.body.size() >= kAlone) {
      write();  // in their order
      outcomes.push_back(Put(put.key, put.body, put.options));
      continue;
    }
    std::optional<Result<PutOutcome>> refused = RefusePut(put.key, put.body, put.options);
    outcomes.push_back(refused.value_or(Result<PutOutcome>(PutOutcome::kNotStored)));
    if (refused.has_value()) continue;
    drafts.emplace_back(put.key, MakeEntry(put.key, put.body, put.options, put.options.tags),
                        *codec_);
    which.push_back(outcomes.size() - 1);
    bytes += put.body.size();
    if (drafts.size() == kMaxKeysAtOnce || bytes >= kMaxBytesAtOnce) write();
  }
  write();
  return outcomes;
}

// As Write for each, with their stripes held at once, in one order for all callers.
std::vector<Result<PutOutcome>> CacheCore::PutSome(std::deque<Draft>& drafts) {
  std::vector<Result<PutOutcome>> outcomes(
      drafts.size(),
      Result<PutOutcome>(Status(StatusCode::kUnavailable, "the store takes no values now")));
  std::size_t bytes = 0;
  std::size_t row_bytes = 0;
  for (const Draft& draft : drafts) {
    bytes += draft.entry->body.size();
    row_bytes += draft.MostBytes();
  }
  const Turnstile::Pass pass = supervisor_->EnterToStore(bytes);
  if (!pass) return outcomes;
  const SpaceBudget::Room room = budget_.TakeRoom(row_bytes);
  if (!room) return {drafts.size(), CheckRoom(0, room)};
  std::set<std::size_t> stripes;
  for (const Draft& draft : drafts) stripes.insert(StripeIndex(draft.hash));
  std::deque<Writing> writing;
  for (const std::size_t stripe : stripes) writing.emplace_back(stripes_[stripe]);

  std::vector<std::size_t> accepted;
  std::vector<KeyAndRow> rows;
  for (std::size_t n = 0; n < drafts.size(); ++n) {
    Draft& draft = drafts[n];
    if (Status status = CheckRoom(draft.MostBytes(), room); !status.ok()) {
      outcomes[n] = std::move(status);
      continue;
    }
    draft.entry->number = ledger_->Next();
    if (std::optional<Result<PutOutcome>> refused = Refuse(draft, Numbered::kNow)) {
      outcomes[n] = *std::move(refused);
      continue;
    }
    Encode(draft);
    accepted.push_back(n);
    rows.push_back({.key = draft.key, .row = draft.record});
  }
  if (rows.empty()) return outcomes;
  KillPoint("batch numbered");
  const Status status = supervisor_->MultiPut(rows, options_.durability == Durability::kSync);
  KillPoint("batch stored");
  for (const std::size_t n : accepted) outcomes[n] = Finish(drafts[n], status);
  return outcomes;
}

}  // namespace larder
