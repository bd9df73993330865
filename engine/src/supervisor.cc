#include "supervisor.h"

#include <algorithm>
#include <utility>

namespace larder {
namespace {

// So many reads must fail in a row before the store is taken for broken: one bad sector is a
// miss of what lies there, and reopening would not mend it.
constexpr std::uint32_t kReadFailuresToReopen = 8;
constexpr Duration kReadFaultLogPeriod = std::chrono::minutes(1);
// Between looks at the free space by those who write. The reserve is a multiple of it.
constexpr std::uint64_t kBytesBetweenLooks = std::uint64_t{1} << 20;
// After a reopening the next one waits, each time longer: one that does not last is not worth
// the misses it costs.
constexpr Duration kFirstPause{1000};
constexpr Duration kLongestPause = std::chrono::seconds(64);
// A damaged block lets the store be opened, and fails each merge that comes upon it. After so many
// reopenings for that, none of which lasted, the store counts as one that cannot be opened.
constexpr int kDamagedReopenings = 3;

HealthReason ReasonOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk: return HealthReason::kNone;
    case StatusCode::kResourceExhausted: return HealthReason::kDiskFull;
    case StatusCode::kDataLoss: return HealthReason::kCorruption;
    default: return HealthReason::kIoError;
  }
}

}  // namespace

void Supervisor::Start(std::unique_ptr<Store> store, const Status& why) {
  store_ = std::move(store);
  health_.since = options_.clock->Wall();
  if (store_ == nullptr) {
    CountFault();
    long_work_.Forbid();
  }
  Update([&](Trouble& trouble) {
    if (store_ == nullptr) trouble.open = why;
  });
}

// The worst first: reason and admission are those of the first that holds.
Supervisor::Verdict Supervisor::Judge() const {
  const auto verdict = [](HealthState state, HealthReason reason, Admission admission,
                          std::string detail) {
    return Verdict{.health = {.state = state,
                              .reason = reason,
                              .reads = admission >= Admission::kReads,
                              .writes = admission == Admission::kAll,
                              .detail = std::move(detail)},
                   .admission = admission};
  };
  const Trouble& t = trouble_;
  if (t.closed) return verdict(HealthState::kClosed, HealthReason::kNone, Admission::kNone, "");
  const Status cause = Cause();
  if (t.reopening || t.open) {
    return verdict(HealthState::kReopening, ReasonOf(cause), Admission::kNone,
                   cause.ok() ? t.renewal.value_or("") : cause.ToString());
  }
  if (t.hanging) {
    return verdict(
        HealthState::kDegraded, HealthReason::kHangingDisk, Admission::kNone,
        "a call has not come back within " + std::to_string(options_.patience.count()) + " ms");
  }
  if (!cause.ok()) {
    return verdict(HealthState::kDegraded, ReasonOf(cause),
                   t.read ? Admission::kNone : Admission::kReads, cause.ToString());
  }
  if (t.no_space) {
    return verdict(HealthState::kDegraded, HealthReason::kDiskFull, Admission::kRemovals,
                   "less than " + std::to_string(options_.reserve_bytes) + " bytes are free");
  }
  if (t.journal) {
    return verdict(HealthState::kDegraded, HealthReason::kJournal, Admission::kAll,
                   t.journal->ToString());
  }
  return verdict(HealthState::kServing, HealthReason::kNone, Admission::kAll, "");
}

// Why the store is, or has to be, opened anew; ok if it need not.
Status Supervisor::Cause() const {
  for (const auto& status : {trouble_.open, trouble_.reopening, trouble_.write, trouble_.read}) {
    if (status) return *status;
  }
  return Status::Ok();
}

template <typename Change>
void Supervisor::Update(const Change& change) {
  std::string line;
  LogLevel level = LogLevel::kInfo;
  {
    const std::lock_guard lock(mutex_);
    change(trouble_);
    Verdict verdict = Judge();
    turnstile_.Admit(verdict.admission);
    Health& now = verdict.health;
    if (now.state == health_.state && now.reason == health_.reason) {
      now.since = health_.since;
    } else {
      now.since = options_.clock->Wall();
      line = Announce(health_, now, level);
    }
    health_ = std::move(now);
  }
  if (!line.empty() && options_.log) options_.log(level, line);
}

// One line when an episode begins and one when it ends. The caller holds mutex_.
std::string Supervisor::Announce(const Health& before, const Health& now, LogLevel& level) {
  if (now.state == HealthState::kClosed) return "";
  if (before.state == HealthState::kServing) {
    episode_began_ = options_.clock->SinceBoot();
    level = LogLevel::kInfo;
    if (now.reason == HealthReason::kNone) return "the store is opened anew: " + now.detail;
    options_.counters->Add(Counter::kFaultEpisodes);
    level = LogLevel::kError;
    return "store fault: " + std::string(HealthStateName(now.state)) + ", " +
           std::string(HealthReasonName(now.reason)) + ": " + now.detail;
  }
  if (now.state != HealthState::kServing) return "";
  level = LogLevel::kInfo;
  const Duration lasted = options_.clock->SinceBoot() - episode_began_;
  return "the store is serving again after " + std::to_string(lasted.count()) + " ms (" +
         std::string(HealthReasonName(before.reason)) + ")";
}

Turnstile::Pass Supervisor::EnterToStore(std::size_t bytes) {
  const std::uint64_t before = bytes_until_look_.fetch_add(bytes, std::memory_order_relaxed);
  if (before / kBytesBetweenLooks != (before + bytes) / kBytesBetweenLooks) {
    // Inside, so that a look that hangs is seen.
    const Turnstile::Pass pass = turnstile_.Enter(Admission::kAll);
    if (pass) {
      LookAtSpace();
      store_->StartCompactions();  // a burst right after opening does not wait for the first beat
    }
  }
  return turnstile_.Enter(Admission::kAll);
}

ReadOutcome Supervisor::Get(std::string_view key, PinnedRow& row) {
  const ReadOutcome outcome = store_->Get(key, row);
  NoteRead(outcome);
  return outcome;
}

// That it knows says nothing of the disk.
ReadOutcome Supervisor::GetCached(std::string_view key, PinnedRow& row) {
  const ReadOutcome outcome = store_->GetCached(key, row);
  if (outcome == ReadOutcome::kFault) ReadFailed();
  return outcome;
}

ReadOutcome Supervisor::Peek(std::string_view key, PinnedRow& row) {
  const ReadOutcome outcome = store_->Peek(key, row);
  NoteRead(outcome);
  return outcome;
}

std::vector<ReadOutcome> Supervisor::MultiGet(std::span<const std::string_view> keys,
                                              std::span<PinnedRow> rows) {
  std::vector<ReadOutcome> outcomes = store_->MultiGet(keys, rows);
  for (const ReadOutcome outcome : outcomes) NoteRead(outcome);
  return outcomes;
}

void Supervisor::NoteRead(ReadOutcome outcome) {
  if (outcome == ReadOutcome::kFault) {
    ReadFailed();
  } else if (read_failures_.load(std::memory_order_relaxed) != 0) {
    read_failures_.store(0, std::memory_order_relaxed);
  }
}

Status Supervisor::Put(std::string_view key, std::string_view row, bool sync) {
  Status status = store_->Put(key, row, sync);
  if (!status.ok() && status.code() != StatusCode::kDeadlineExceeded) WriteFailed(status);
  return status;
}

Status Supervisor::MultiPut(std::span<const KeyAndRow> rows, bool sync) {
  Status status = store_->MultiPut(rows, sync);
  if (!status.ok() && status.code() != StatusCode::kDeadlineExceeded) WriteFailed(status);
  return status;
}

Status Supervisor::PutSynced(std::string_view key, std::string_view row, StoreMark& mark) {
  Status status = store_->PutSynced(key, row, mark);
  if (!status.ok() && status.code() != StatusCode::kDeadlineExceeded) WriteFailed(status);
  return status;
}

Status Supervisor::Sync() {
  const Turnstile::Pass pass = EnterToRemove();
  if (!pass) return {StatusCode::kUnavailable, "the store takes no writes"};
  Status status = store_->Sync();
  if (!status.ok()) WriteFailed(status);
  return status;
}

Status Supervisor::RunLong(const std::function<Status(Store&)>& work) {
  const Gate::Pass pass = long_work_.Enter();
  if (!pass || !health().reads) return {StatusCode::kUnavailable, "the store is not serving"};
  return work(*store_);
}

void Supervisor::ReadFailed() {
  CountFault();
  const Status status(StatusCode::kUnavailable, "the store could not be read");
  if (read_failures_.fetch_add(1, std::memory_order_relaxed) + 1 >= kReadFailuresToReopen) {
    Update([&status](Trouble& trouble) {
      if (!trouble.read) trouble.read = status;
    });
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    const Duration now = options_.clock->SinceBoot();
    if (read_fault_logged_ && now - *read_fault_logged_ < kReadFaultLogPeriod) return;
    read_fault_logged_ = now;
  }
  if (options_.log) options_.log(LogLevel::kError, "store fault: " + status.ToString());
}

void Supervisor::WriteFailed(const Status& status) {
  CountFault();
  Update([&status](Trouble& trouble) {
    if (!trouble.write) trouble.write = status;
  });
}

void Supervisor::BackgroundFailed(const Status& status) { WriteFailed(status); }

void Supervisor::NoteJournal(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (status.ok() && !trouble_.journal) return;
  }
  if (!status.ok()) CountFault();
  Update([&status](Trouble& trouble) {
    trouble.journal = status.ok() ? std::nullopt : std::optional(status);
  });
}

void Supervisor::Renew(std::string_view why) {
  const std::lock_guard lock(mutex_);
  trouble_.renewal = std::string(why);
}

void Supervisor::LookAtSpace() {
  const Result<std::uint64_t> free = options_.free_bytes();
  if (!free.ok()) return;  // the calls of the store will say more
  const bool below = *free < options_.reserve_bytes;
  const bool enough = *free >= options_.resume_bytes;
  {
    const std::lock_guard lock(mutex_);
    if (trouble_.no_space ? !enough : !below) return;
  }
  Update([below](Trouble& trouble) { trouble.no_space = below; });
}

void Supervisor::Watch() {
  const bool hanging = turnstile_.Watch(options_.clock->SinceBoot(), options_.patience);
  {
    const std::lock_guard lock(mutex_);
    if (hanging == trouble_.hanging) return;
  }
  if (hanging) CountFault();
  Update([hanging](Trouble& trouble) { trouble.hanging = hanging; });
}

void Supervisor::Tick() {
  {
    const std::lock_guard lock(mutex_);
    if (trouble_.hanging || trouble_.closed) return;
  }
  LookAtSpace();
  if (ReopeningIsDue() && options_.probe().ok()) Reopen();
}

bool Supervisor::ReopeningIsDue() {
  const Duration now = options_.clock->SinceBoot();
  {
    const std::lock_guard lock(mutex_);
    if (Cause().ok()) {
      if (now > next_reopening_ + kLongestPause) {
        pause_ = kFirstPause;
        damaged_reopenings_ = 0;
      }
      return trouble_.renewal.has_value() && long_work_.IsEmpty();
    }
  }
  return now >= next_reopening_;
}

// Calls that come meanwhile are misses and are not stored. Not begun while long work is inside: a
// backup may hang on a disk of its own, and until it sees that it is interrupted reads go on.
void Supervisor::Reopen() {
  if (store_ != nullptr) store_->Interrupt();
  long_work_.Forbid();  // it is already, if the last try failed
  if (!long_work_.IsEmpty()) return;
  next_reopening_ = options_.clock->SinceBoot() + pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
  Update([this](Trouble& trouble) { trouble.reopening = Cause(); });
  turnstile_.WaitUntilEmpty();
  const Status status = OpenAnew();
  if (!status.ok()) CountFault();
  if (status.ok()) long_work_.Open();
  Update([&status](Trouble& trouble) {
    trouble.reopening.reset();
    trouble.open = status.ok() ? std::nullopt : std::optional(status);
  });
}

Status Supervisor::OpenAnew() {
  store_.reset();
  Status cause;
  {
    // Of the store that is gone; what the new one's threads report from now on counts.
    const std::lock_guard lock(mutex_);
    cause = Cause();
    trouble_.write.reset();
    trouble_.read.reset();
    trouble_.renewal.reset();
  }
  read_failures_.store(0, std::memory_order_relaxed);
  SetAsideIfDamaged(cause);
  Result<std::unique_ptr<Store>> opened = options_.open();
  if (!opened.ok()) return opened.status();
  if (Status status = options_.recovered(**opened); !status.ok()) return status;
  store_ = *std::move(opened);
  options_.counters->Add(Counter::kReopened);
  return Status::Ok();
}

void Supervisor::SetAsideIfDamaged(const Status& cause) {
  if (cause.code() != StatusCode::kDataLoss || ++damaged_reopenings_ <= kDamagedReopenings) return;
  const Status status = options_.set_aside(cause);
  if (status.ok()) damaged_reopenings_ = 0;
  if (!status.ok() && options_.log) {
    options_.log(LogLevel::kError, "a damaged store stays in use: " + status.ToString());
  }
}

Health Supervisor::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Supervisor::Shut() {
  Update([](Trouble& trouble) { trouble.closed = true; });
}

void Supervisor::Stop() {
  if (store_ != nullptr) store_->Interrupt();
  long_work_.Shut();
  turnstile_.WaitUntilEmpty();
  // What the WAL holds goes to a file, so that the next opening has nothing to replay.
  if (store_ != nullptr && IsSound()) static_cast<void>(store_->Flush());
  store_.reset();
}

bool Supervisor::IsSound() const {
  const std::lock_guard lock(mutex_);
  return Cause().ok() && !trouble_.no_space;
}

}  // namespace larder
