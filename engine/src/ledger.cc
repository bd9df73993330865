#include "ledger.h"

#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "journal.h"
#include "kill_point.h"
#include "rule_set.h"
#include "rule_times.h"

namespace larder {
namespace {

constexpr auto kSoftShift = static_cast<std::uint32_t>(JournalKind::kSoftTag) -
                            static_cast<std::uint32_t>(JournalKind::kTag);
JournalKind SoftOf(JournalKind hard) {
  return static_cast<JournalKind>(static_cast<std::uint32_t>(hard) + kSoftShift);
}
bool IsSoft(JournalKind kind) { return kind >= JournalKind::kSoftTag; }

// Odd while something changes, and even again when that is over, however it ends.
class Changing {
 public:
  explicit Changing(std::atomic<std::uint64_t>& generation) : generation_(generation) {
    generation_.fetch_add(1);
  }
  ~Changing() { generation_.fetch_add(1); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  std::atomic<std::uint64_t>& generation_;
};

constexpr char kNoMemory[] = "out of memory";  // so short that a string needs none for it

std::size_t SoftTags(std::size_t max_tags) { return std::max<std::size_t>(max_tags / 8, 1); }

class JournaledLedger final : public Ledger {
 public:
  explicit JournaledLedger(const LedgerOptions& options)
      : options_(options),
        journal_(options.files != nullptr ? *options.files : JournalFiles::System(), options.path,
                 options.journal_room),
        hard_(options.max_tags),
        soft_(SoftTags(options.max_tags)) {}

  Status Load();

  std::uint64_t Next() override { return next_.fetch_add(1); }
  std::uint64_t Last() const override { return next_.load() - 1; }
  std::uint64_t NumberBound() const override { return bound_.load(); }
  bool Holds(std::string_view key, std::uint64_t number,
             std::span<const TagHash> tags) const override;
  TimePoint FreshUntil(std::string_view key, std::uint64_t number,
                       std::span<const TagHash> tags) const override;
  Standing StandingOf(std::string_view key, TimePoint began,
                      std::span<const TagHash> tags) const override;
  std::optional<Cover> CoverOf(std::string_view key, std::uint64_t number,
                               std::span<const std::string> tags, bool soft) const override;
  std::uint64_t Generation() const override { return generation_.load(std::memory_order_acquire); }

  Result<std::uint64_t> Invalidate(std::span<const Rule> rules,
                                   const std::function<InvalidationTime()>& now) override;
  Status NoteSynced(const StoreMark& mark) override;
  Status StoreRecovered(const RecoveredStore& store) override;
  Status RetryUnwritten() override { return Commit({}); }
  void SetMaxTags(std::size_t max_tags) override;
  Status CopyTo(const std::string& path) const override;

  std::uint64_t floor() const override { return hard_.floor(); }
  std::uint64_t dropped_tags() const override { return hard_.tags().dropped(); }
  std::size_t tag_count() const override { return hard_.tags().size() + soft_.tags().size(); }
  std::size_t memory_bytes() const override {
    return sizeof(*this) + hard_.memory_bytes() + soft_.memory_bytes();
  }
  std::uint64_t journal_bytes() const override {
    const std::uint64_t prefixes =
        Journal::MostCells(hard_.prefixes().size(), hard_.prefixes().prefix_bytes()) +
        Journal::MostCells(soft_.prefixes().size(), soft_.prefixes().prefix_bytes());
    return Journal::BytesAfterRewrite(tag_count() + prefixes, options_.journal_room);
  }

 private:
  struct News {
    LogLevel level;
    std::string text;
  };
  // What one leader writes for all who came while the previous leader was writing.
  struct Batch {
    std::vector<JournalRecord> records;
    bool incomplete = false;  // more is in memory
    bool done = false;
    Status status;
  };

  Status Replay(JournalContents& contents);
  void Apply(const JournalRecord& record);
  void WaitForChange() const;
  Status Commit(std::span<const JournalRecord> records);
  Status WriteBatch(const Batch& batch);
  JournalHeader NextHeader() const;
  StoreMark Mark() const {
    const std::lock_guard lock(mark_mutex_);
    return mark_;
  }
  void SetMark(const StoreMark& mark) {
    const std::lock_guard lock(mark_mutex_);
    mark_ = mark;
  }
  void Snapshot(const Journal::RecordSink& sink) const;
  void NoteOutcome(const Status& status);
  void DropCovered();
  void Log(LogLevel level, const std::string& line) const {
    if (options_.log) options_.log(level, line);
  }

  // Constant after construction.
  const LedgerOptions options_;

  // Numbers. Sequentially consistent, so that numbers and generations have one order for all. The
  // next one may be beyond the bound: that orders who computes in this process, for which a flight
  // has to be told from one that began before an invalidation, though nothing can be stored. The
  // bound is looked at when something is to be stored (IsReserved), not when a number is given out:
  // if it has risen over it by then, no restart gives it out again.
  std::atomic<std::uint64_t> next_{1};
  std::atomic<std::uint64_t> bound_{1};

  // Even; odd while an invalidation is being applied. Starts above 0.
  alignas(64) std::atomic<std::uint64_t> generation_{2};
  mutable std::mutex apply_mutex_;  // held while the generation is odd

  mutable std::mutex mark_mutex_;
  StoreMark mark_;  // guarded by mark_mutex_

  std::mutex commit_mutex_;
  std::condition_variable batch_done_;
  // Guarded by commit_mutex_.
  std::shared_ptr<Batch> open_batch_ = std::make_shared<Batch>();
  bool has_leader_ = false;

  // The leader's alone.
  Journal journal_;
  bool failing_ = false;
  std::optional<News> news_;  // to be logged when the batch is done
  bool rewrite_ = false;      // what memory has, the journal may not

  RuleSet hard_;
  RuleSet soft_;

  // A soft one whose time is forgotten counts as of long ago: too stale for any window.
  RuleTimes hard_times_;
  RuleTimes soft_times_;
};

JournalRecord RecordOf(const Rule& rule) {
  JournalRecord record;
  record.kind = rule.kind == Rule::Kind::kTag      ? JournalKind::kTag
                : rule.kind == Rule::Kind::kPrefix ? JournalKind::kPrefix
                                                   : JournalKind::kFloor;
  record.value = rule.tag;
  record.prefix = rule.prefix;
  if (rule.soft) record.kind = SoftOf(record.kind);
  return record;
}

Status JournaledLedger::Load() {
  const auto replay = [this](const JournalRecord& record) { Apply(record); };
  Result<JournalContents> contents = journal_.Read(replay);
  if (!contents.ok()) return contents.status();
  if (Status status = Replay(*contents); !status.ok()) return status;
  // Everything stored before has a number below the bound that was read; nothing is stored with one
  // above it before the next bound is on disk.
  const std::uint64_t first = contents->header.number_bound;
  next_.store(first);
  bound_.store(first);
  static_cast<void>(Commit({}));  // if it fails, no number is reserved until a later one does not
  return Status::Ok();
}

// Draws the conclusions from what the journal says, and does not say.
Status JournaledLedger::Replay(JournalContents& contents) {
  JournalHeader& header = contents.header;
  std::string why;
  // Where numbers were given out there was one. Without rows, too: a backup has some.
  if (!contents.found && (options_.store_has_rows || options_.saved_number_bound != 0)) {
    why = options_.path + " is missing";
  }
  if (!contents.damage.empty()) why = options_.path + " " + contents.damage;
  mark_ = header.mark;
  const bool bound_known = header.number_bound != 0 || options_.saved_number_bound != 0;
  if (!bound_known && !why.empty() && options_.store_has_rows) {
    return {StatusCode::kDataLoss, why + ", so nothing in the store can be trusted"};
  }
  header.number_bound =
      std::max({header.number_bound, options_.saved_number_bound, std::uint64_t{1}});
  if (why.empty()) return Status::Ok();
  Log(LogLevel::kError, why + "; all entries are invalidated");
  hard_.RaiseFloor(header.number_bound - 1);
  hard_.DropCovered();
  journal_.Discard();  // the new floor has to be in the next one
  return Status::Ok();
}

// An even generation: everything that was applied when it was set is in the table, and whatever
// is missing from the table was not yet applied. So the answer is right as of that instant. An
// odd one: some of one invalidation may be visible and some not, so wait for its end.
void JournaledLedger::WaitForChange() const {
  if (generation_.load(std::memory_order_acquire) % 2 != 0) {
    const std::lock_guard wait(apply_mutex_);
  }
}

bool JournaledLedger::Holds(std::string_view key, std::uint64_t number,
                            std::span<const TagHash> tags) const {
  WaitForChange();
  return hard_.Holds(key, number, tags);
}

TimePoint JournaledLedger::FreshUntil(std::string_view key, std::uint64_t number,
                                      std::span<const TagHash> tags) const {
  WaitForChange();
  const std::uint64_t latest = soft_.Latest(key, tags);
  return number > latest ? kNever : soft_times_.Of(latest);
}

Standing JournaledLedger::StandingOf(std::string_view key, TimePoint began,
                                     std::span<const TagHash> tags) const {
  WaitForChange();
  Standing standing;
  const std::uint64_t hard = hard_.Latest(key, tags);
  standing.holds = hard == 0 || began > hard_times_.AtMost(hard);
  const std::uint64_t soft = soft_.Latest(key, tags);
  if (soft != 0 && began <= soft_times_.AtMost(soft)) standing.fresh_until = soft_times_.Of(soft);
  return standing;
}

std::optional<Cover> JournaledLedger::CoverOf(std::string_view key, std::uint64_t number,
                                              std::span<const std::string> tags, bool soft) const {
  WaitForChange();
  const RuleSet& rules = soft ? soft_ : hard_;
  const auto cover = [&](Rule::Kind kind, std::string name, std::uint64_t by) {
    return Cover{.kind = kind,
                 .name = std::move(name),
                 .number = by,
                 .time = soft ? soft_times_.Of(by) : TimePoint{}};
  };
  const std::optional<PrefixRule> prefix = rules.prefixes().RuleFor(key);
  if (prefix.has_value() && prefix->number >= number) {
    return cover(Rule::Kind::kPrefix, prefix->prefix, prefix->number);
  }
  for (const std::string& tag : tags) {
    const std::uint64_t by = rules.tags().NumberOf(HashTag(tag));
    if (by >= number) return cover(Rule::Kind::kTag, tag, by);
  }
  if (rules.floor() >= number) return cover(Rule::Kind::kAll, {}, rules.floor());
  return std::nullopt;
}

void JournaledLedger::Apply(const JournalRecord& record) {
  const bool soft = IsSoft(record.kind);
  // Before the rule, which says that there is a time. Some hard ones have none: they cover all
  // that a later one would.
  if (soft) soft_times_.Note(record.number, record.time);
  if (!soft && record.time != TimePoint{}) hard_times_.Note(record.number, record.time);
  RuleSet& rules = soft ? soft_ : hard_;
  switch (record.kind) {
    case JournalKind::kTag:
    case JournalKind::kSoftTag: return rules.RaiseTag(record.value, record.number);
    case JournalKind::kPrefix:
    case JournalKind::kSoftPrefix: return rules.RaisePrefix(record.prefix, record.number);
    case JournalKind::kFloor:
    case JournalKind::kSoftFloor: return rules.RaiseFloor(record.number);
  }
}

// The instant of an invalidation is the change of the generation. Nobody gets a yes from Holds
// between the taking of the number and its being visible: a lease with a greater number is given
// out after that instant for every reader.
Result<std::uint64_t> JournaledLedger::Invalidate(std::span<const Rule> rules,
                                                  const std::function<InvalidationTime()>& now) {
  if (rules.empty()) return Status(StatusCode::kInvalidArgument, "nothing to invalidate");
  std::vector<JournalRecord> records;
  records.reserve(rules.size());
  for (const Rule& rule : rules) records.push_back(RecordOf(rule));
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(apply_mutex_);
    const Changing changing(generation_);
    // Perhaps beyond the bound, if numbers have run out: it covers all that were given out, and
    // what gets a later one is not stored before a bound above that is on disk. If this rule could
    // not be written before, it is written with that bound: the new journal is made of all that is
    // here.
    number = next_.fetch_add(1);
    // Not before: one with a greater number would have an earlier time than one it waited for.
    const InvalidationTime time = now ? now() : InvalidationTime{};
    for (JournalRecord& record : records) {
      record.number = number;
      record.time = IsSoft(record.kind) ? time.soft : time.hard;
      Apply(record);
    }
  }
  KillPoint("invalidation in memory");
  if (Status status = Commit(records); !status.ok()) return status;
  KillPoint("invalidation synced");
  if (std::any_of(rules.begin(), rules.end(),
                  [](const Rule& rule) { return rule.kind == Rule::Kind::kAll; })) {
    DropCovered();
  }
  return number;
}

// For its room only, so that it may fail.
void JournaledLedger::DropCovered() {
  try {
    hard_.DropCovered();
    soft_.DropCovered();
  } catch (const std::bad_alloc&) {
  }
}

Status JournaledLedger::NoteSynced(const StoreMark& mark) {
  {
    const std::lock_guard lock(mark_mutex_);
    if (mark_.sequence < mark.sequence) mark_ = mark;
  }
  return Commit({});
}

Status JournaledLedger::StoreRecovered(const RecoveredStore& store) {
  if (store.sequence == 0) SetMark({});  // without rows: nothing can come back
  const std::string lost = FindLostWrites(Mark(), store);
  if (lost.empty()) return Commit({});
  Log(LogLevel::kError, lost + "; all entries are invalidated");
  const Rule everything;
  const Result<std::uint64_t> number = Invalidate({&everything, 1}, nullptr);
  if (!number.ok()) return number.status();
  SetMark({.sequence = store.sequence.value_or(0)});
  return Commit({});
}

// Group commit: who finds no leader leads, and writes for all who joined the open batch. The
// caller's change is in memory already, so a leader's snapshot has it.
Status JournaledLedger::Commit(std::span<const JournalRecord> records) {
  std::unique_lock lock(commit_mutex_);
  const std::shared_ptr<Batch> batch = open_batch_;
  try {
    batch->records.insert(batch->records.end(), records.begin(), records.end());
  } catch (const std::bad_alloc&) {
    batch->incomplete = true;
  }
  batch_done_.wait(lock, [&] { return batch->done || !has_leader_; });
  if (batch->done) return batch->status;
  open_batch_ = std::make_shared<Batch>();
  has_leader_ = true;
  lock.unlock();
  Status status;
  try {
    status = WriteBatch(*batch);
  } catch (const std::exception&) {  // the next to commit leads
    status = {StatusCode::kUnavailable, kNoMemory};
    rewrite_ = true;
  }
  const std::optional<News> news = std::exchange(news_, std::nullopt);
  lock.lock();
  try {
    batch->status = status;
  } catch (const std::exception&) {  // whatever happens, the lead is given up
    batch->status = {StatusCode::kUnavailable, kNoMemory};
  }
  batch->done = true;
  has_leader_ = false;
  batch_done_.notify_all();
  lock.unlock();
  if (news) Log(news->level, news->text);  // the user's function, which nobody else waits for
  return status;
}

Status JournaledLedger::WriteBatch(const Batch& batch) {
  const JournalHeader header = NextHeader();
  rewrite_ |= batch.incomplete;
  if (batch.records.empty() && !rewrite_ && journal_.usable() && header == journal_.header()) {
    return Status::Ok();
  }
  // Full, or failed before or now: what is in memory goes to a new file, this batch with it.
  bool written = false;
  if (!rewrite_ && journal_.usable() && journal_.HasRoomFor(batch.records)) {
    const Status appended = journal_.Append(batch.records, header);
    NoteOutcome(appended);
    written = appended.ok();
  }
  Status status = Status::Ok();
  if (!written && options_.may_replace) status = options_.may_replace();
  if (!written && status.ok()) {
    status = journal_.Rewrite(header, [this](const auto& sink) { Snapshot(sink); });
  }
  if (!written) {
    NoteOutcome(status);
    rewrite_ = !status.ok();
  }
  if (status.ok()) bound_.store(header.number_bound);
  return status.WithContext("journal");
}

JournalHeader JournaledLedger::NextHeader() const {
  JournalHeader header{.number_bound = bound_.load(), .mark = Mark()};
  const std::uint64_t next = next_.load();
  if (next + options_.number_block / 2 >= header.number_bound) {
    header.number_bound = std::max(next, header.number_bound) + options_.number_block;
  }
  return header;
}

// What is counted too many stays until the floor is over it, as in any other change.
void JournaledLedger::SetMaxTags(std::size_t max_tags) {
  const std::uint64_t hard = hard_.SetMaxTags(max_tags);
  const std::uint64_t soft = soft_.SetMaxTags(SoftTags(max_tags));
  if (hard == 0 && soft == 0) return;
  {
    const std::lock_guard lock(apply_mutex_);
    const Changing changing(generation_);
    hard_.RaiseFloor(hard);
    soft_.RaiseFloor(soft);
  }
  DropCovered();
}

// The floor after the rest: what is dropped meanwhile is under it.
void JournaledLedger::Snapshot(const Journal::RecordSink& sink) const {
  for (const bool soft : {false, true}) {
    const RuleSet& rules = soft ? soft_ : hard_;
    const RuleTimes& times = soft ? soft_times_ : hard_times_;
    const auto write = [&](JournalKind kind, std::uint64_t number, std::uint64_t tag,
                           const std::string& prefix) {
      sink({.number = number,
            .value = tag,
            .kind = soft ? SoftOf(kind) : kind,
            .prefix = prefix,
            .time = times.Of(number)});
    };
    for (const PrefixRule& rule : rules.prefixes().Rules()) {
      write(JournalKind::kPrefix, rule.number, 0, rule.prefix);
    }
    rules.tags().Visit([&write](std::uint64_t tag, std::uint64_t number) {
      write(JournalKind::kTag, number, tag, {});
    });
    if (const std::uint64_t floor = rules.floor(); floor != 0) {
      write(JournalKind::kFloor, floor, 0, {});
    }
  }
}

// Rows that are copied after this may have numbers given out since: the bound leaves room.
Status JournaledLedger::CopyTo(const std::string& path) const {
  const JournalHeader header{.number_bound = bound_.load() + options_.number_block,
                             .mark = {.sequence = Mark().sequence}};
  Journal copy(JournalFiles::System(), path, options_.journal_room);
  return copy.Rewrite(header, [this](const auto& sink) { Snapshot(sink); });
}

void JournaledLedger::NoteOutcome(const Status& status) {
  if (status.ok() == !failing_) return;
  failing_ = !status.ok();
  if (failing_) {
    news_ = News{LogLevel::kError, "invalidations cannot be written: " + status.ToString()};
  } else {
    news_ = News{LogLevel::kInfo, "invalidations are written again"};
  }
}

}  // namespace

TagHash HashTag(std::string_view tag) { return XXH3_64bits(tag.data(), tag.size()); }

Result<std::unique_ptr<Ledger>> Ledger::Open(const LedgerOptions& options) {
  auto ledger = std::make_unique<JournaledLedger>(options);
  if (Status status = ledger->Load(); !status.ok()) return status.WithContext("open ledger");
  return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace larder
