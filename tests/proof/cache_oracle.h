// CacheOracle: what a cache may answer, worked out from the promises (P1, P2, P7) alone. It shares
// no code and no idea with the engine: it remembers every value ever written, when its computation
// began, and everything that was invalidated, removed or replaced since.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/options.h"
#include "memory_disk.h"

namespace larder::testing {

// Order of what happened. Calls come one after the other, so each is one instant.
using Instant = std::uint64_t;
using Tags = std::set<std::string>;

// What an invalidation names: tags, and prefixes of keys, written so that they cannot be taken for
// tags. A key has all of its prefixes, as an entry has its tags.
std::string PrefixName(std::string_view prefix);
Tags WithPrefixesOf(std::string_view key, Tags tags);

// A body that says which value it is, and does not compress.
std::string MakeBody(std::uint64_t id, std::size_t size);
std::uint64_t IdOfBody(std::string_view body);  // 0: not one of ours

struct WrittenValue {
  std::uint64_t id = 0;
  std::string key = {};
  Instant began = 0;
  Tags tags = {};
  TimePoint created{};
  TimePoint fresh_until = kNever;  // as written; a touch changes it in the row
  TimePoint expires = kNever;
  Duration while_revalidate{0};
  Duration if_error{0};
  bool negative = false;
  std::string body = {};
};

// A row of the store: a value, or (id 0) a removal.
struct RowWritten {
  std::string key = {};
  Instant began = 0;
  std::uint64_t id = 0;
  TimePoint fresh_until = kNever;
  TimePoint expires = kNever;
  Duration while_revalidate{0};
  Duration if_error{0};
};

// What a call did, if it did it.
struct Effect {
  std::vector<RowWritten> rows = {};  // in their order
  Tags invalidated = {};
  bool invalidated_all = false;
  bool soft = false;  // the invalidation only ended freshness
  Instant at = 0;     // of the invalidation
  TimePoint time = {};
  bool synced = false;  // all rows so far survive loss of power
};

struct ReadSpec {
  Tags tags = {};
  Duration max_stale{0};
  StaleWindow window = StaleWindow::kNone;
  std::optional<Duration> max_age = {};
  std::uint64_t newer_than = 0;  // a number; kRefresh = everything is too old
};

enum class Certainty { kNo, kMaybe, kYes };

struct Expectation {
  Certainty hit = Certainty::kNo;
  std::uint64_t id = 0;           // the only value that may be returned
  TimePoint fresh_from = kNever;  // the least and the most that its fresh_until may be
  TimePoint fresh_until = kNever;
  TimePoint expires = kNever;
  Certainty stale = Certainty::kNo;
  std::string why = {};  // it cannot be a hit
};

class CacheOracle {
 public:
  // The ledger may forget tags, and invalidate what is older, when it knows more than this many.
  // `one_log`: what a loss of power takes are the newest rows of all. Else RocksDB writes a second
  // log before it has flushed what is in the first, and may lose the end of each.
  CacheOracle(std::size_t ledger_tags, bool one_log);

  Instant Tick() { return ++instant_; }
  std::uint64_t NextId() const { return values_.size() + 1; }
  void AddValue(WrittenValue value);  // whose id is NextId()
  const WrittenValue& ValueOf(std::uint64_t id) const { return values_.at(id); }
  bool Knows(std::uint64_t id) const { return values_.count(id) != 0; }
  // Those of readers that joined its flight are known when it is there.
  void SetTags(std::uint64_t id, Tags tags) { values_.at(id).tags = std::move(tags); }

  void Apply(const Effect& effect);

  Expectation Expect(const std::string& key, const ReadSpec& read, TimePoint now) const;
  // Of a row, wherever it stands, by its own times and what covers it.
  Expectation ExpectOf(const RowWritten& row, const ReadSpec& read, TimePoint now) const;
  // The row of a value as its writer wrote it.
  static RowWritten RowOf(const WrittenValue& value);
  // What a touch makes of the key's row, if that is live.
  struct Touched {
    Certainty live = Certainty::kNo;
    RowWritten row = {};
  };
  Touched Touch(const std::string& key, Duration ttl, TimePoint now) const;

  // Whether nothing that covers `key`, `tags`, or everything, was invalidated after `began`.
  Certainty Holds(const std::string& key, Instant began, const Tags& tags) const;
  // Soft invalidations after `began` of what is named, or of everything: of which the times are
  // the least and the most that freshness may have ended at; and whether any is certain.
  struct Softened {
    Certainty certainty = Certainty::kNo;
    TimePoint first = kNever;
    TimePoint last = kNever;

    TimePoint From(TimePoint fresh_until) const { return std::min(fresh_until, first); }
    TimePoint Until(TimePoint fresh_until) const {
      return certainty == Certainty::kYes ? std::min(fresh_until, last) : fresh_until;
    }
  };
  Softened SoftenedSince(Instant began, const Tags& names) const;
  // Whether something that covers `tags`, or `key`, was invalidated or removed between the two.
  bool CoveredBetween(const std::string& key, const Tags& tags, Instant from, Instant to) const;
  // Whether something newer than `began`, a removal too, stands at `key`.
  bool IsSuperseded(const std::string& key, Instant began) const;

  // Numbers order instants, over restarts too. Empty, or what is wrong.
  std::string NoteNumber(Instant instant, std::uint64_t number);
  std::uint64_t NumberOf(Instant instant) const;  // 0: not known

  // Of an entry that was `created` elsewhere, or here and earlier, by a computation that `began`.
  struct Import {
    Certainty superseded = Certainty::kNo;  // by what is live here and as new
    Certainty holds = Certainty::kYes;      // in spite of what was invalidated here since
    Softened softened = {};
  };
  Import MayImport(const std::string& key, TimePoint created, TimePoint began, const Tags& tags,
                   TimePoint now) const;
  // The rows are those of `saved`; the invalidations, too, unless the ledger stays in force.
  void Restore(const CacheOracle& saved, bool ledger_kept);
  void LoseRows();
  bool HasNoRows() const { return rows_.empty(); }
  // The ledger was damaged: all that is there may be forgotten, never too little.
  void PerhapsInvalidateAll();
  // The ledger is a new one, of a cache without rows.
  void ForgetLedger();
  void ForgetNumbers() { numbers_.clear(); }

  // After a crash in a call that would have had the effect `pending`: is what a new process found
  // what may be left? Goes on from there. Empty, or what is wrong.
  using Found = std::map<std::string, RowWritten>;  // by key; who began it is not looked at
  std::string AdoptCrash(Crash how, const Effect& pending, const Found& found, TimePoint now);

 private:
  using Rows = std::map<std::string, RowWritten>;

  struct Soft {
    Instant at;
    TimePoint time;
    bool certain;  // false: a crash cut it off
  };
  Softened SoftenedIf(const std::function<bool(const Soft&)>& counts, const Tags& names) const;
  Certainty Visible(const RowWritten& row, TimePoint now) const;
  std::string Mismatch(const Rows& rows, const Found& found, TimePoint now) const;
  std::string AdoptPrefix(const std::vector<RowWritten>& log, std::size_t least, const Found& found,
                          TimePoint now);
  std::string AdoptEachKey(const std::vector<RowWritten>& log, const Found& found, TimePoint now);
  void ForgetUnfound(const Found& found);
  void NoteUncertain(const Effect& pending);
  void SettleUncertain(const Found& found);
  bool LedgerMayForget(Instant began) const;
  bool IsSame(const RowWritten& row, const RowWritten& found) const;

  // Constant after construction.
  const std::size_t ledger_keeps_;
  const std::size_t ledger_keeps_soft_;
  const bool one_log_;

  Instant instant_ = 0;
  std::map<std::uint64_t, WrittenValue> values_;
  Rows rows_;                    // as of now
  Rows durable_rows_;            // as of the last sync
  std::vector<RowWritten> log_;  // since then
  std::map<std::string, Instant> invalidated_;
  Instant invalidated_all_ = 0;
  std::map<std::string, std::vector<Soft>> softened_;  // as coverings_
  // All there were: of tags and prefixes ("tag ..."), keys removed ("key ..."), everything ("all").
  std::map<std::string, std::vector<Instant>> coverings_;
  std::map<std::string, std::vector<TimePoint>> times_;  // of those of tags, prefixes, everything
  // Of calls that a crash cut off: may hold.
  std::map<std::string, Instant> perhaps_invalidated_;
  Instant perhaps_invalidated_all_ = 0;
  std::map<Instant, std::uint64_t> numbers_;
};

}  // namespace larder::testing
