// The cache's own two threads, what they look after, and closing.
//
// The steward does all that may have to wait for the disk. The watchdog never touches the disk,
// so that it can tell when others wait for it in vain, and keeps the deadlines of flights.
#include <exception>
#include <future>
#include <system_error>

#include "cache_core.h"
#include "guarded.h"

namespace larder {
namespace {

constexpr std::chrono::seconds kStewardPeriod{1};
constexpr std::chrono::seconds kSavePeriod{60};
constexpr std::chrono::milliseconds kWatchdogPeriod{200};

}  // namespace

void CacheCore::RunSteward() {
  std::unique_lock lock(threads_mutex_);
  while (!threads_wake_.wait_for(lock, kStewardPeriod, [this] { return threads_stop_; })) {
    lock.unlock();
    try {
      Care();
    } catch (const std::exception& error) {  // out of memory; the next period may have some
      Log(LogLevel::kError, std::string("steward: ") + error.what());
    }
    lock.lock();
  }
}

void CacheCore::Care() {
  if (options_.observer != nullptr) TellHealth();  // of what the next lines may heal
  if (clock_->Tick()) static_cast<void>(SaveState());
  supervisor_->NoteJournal(ledger_->RetryUnwritten());
  supervisor_->Tick();
  if (const Turnstile::Pass pass = supervisor_->EnterToRead()) {
    supervisor_->store().StartCompactions();
  }
  if (options_.observer != nullptr) TellHealth();
  if (options_.group != nullptr) ShareMemtables();
  MeasureSpace();
  TellPolicySize();
  ShareMemory();
  if (!internals_.threads) MakeRoom();
  if (!warmed_up_ && !warming_up_ && GetHealth().reads) StartWarmUp();
  LargeBlocks::Shared().Trim();
  StartTraining();
  SaveIfDue();
}

void CacheCore::ShareMemtables() {
  std::uint64_t written = 0;
  if (const Turnstile::Pass pass = supervisor_->EnterToRead()) {
    written = supervisor_->store().LatestSequence();
  }
  const std::uint64_t seen = std::exchange(written_seen_, written);
  const std::uint64_t more = written > seen ? written - seen : 0;
  if (!options_.group->WantsMemtableOf(this, more) || written == written_flushed_) return;
  const Status status = supervisor_->RunLong([](Store& store) { return store.Flush(); });
  if (status.ok()) written_flushed_ = written;
}

void CacheCore::SaveIfDue() {
  const Duration now = system_clock_.SinceBoot();
  if (now - saved_at_ < kSavePeriod) return;
  saved_at_ = now;
  static_cast<void>(SaveState());
  SavePopularity();
  SaveHotList();
}

void CacheCore::StartTraining() {
  using std::chrono::seconds;
  if (trainer_ == nullptr || !trainer_->Due()) return;
  if (!internals_.threads) return static_cast<void>(TrainDictionary());
  if (training_.valid() && training_.wait_for(seconds(0)) != std::future_status::ready) return;
  training_ = std::async(std::launch::async, [this] {
    try {
      static_cast<void>(TrainDictionary());
    } catch (const std::exception& error) {  // out of memory
      Log(LogLevel::kError, std::string("train a dictionary: ") + error.what());
    }
  });
}

Result<DictionaryTraining> CacheCore::TrainDictionary() {
  const std::lock_guard lock(training_mutex_);
  DictionaryTrainer::Outcome outcome = trainer_->Train(dictionaries_->Newest().get());
  const DictionaryTraining training{.adopted = outcome.adopted.has_value(),
                                    .samples = outcome.samples,
                                    .raw_bytes = outcome.raw_bytes,
                                    .current_bytes = outcome.current_bytes,
                                    .trained_bytes = outcome.trained_bytes};
  if (!training.adopted) return training;
  Status status = CheckDirectory();
  if (status.ok()) status = dictionaries_->Adopt(*std::move(outcome.adopted));
  if (!status.ok()) {
    Log(LogLevel::kWarning, "keep a dictionary: " + status.ToString());
    return status;
  }
  const auto percent = [&](std::uint64_t bytes) {
    return std::to_string(100 * bytes / std::max<std::uint64_t>(outcome.raw_bytes, 1)) + " %";
  };
  Log(LogLevel::kInfo, "adopted a dictionary: bodies take " + percent(outcome.trained_bytes) +
                           " of their size, before " + percent(outcome.current_bytes));
  if (dictionaries_->size() <= DictionaryShelf::kAlwaysKept) return training;
  const Result<std::set<std::uint64_t>> in_use = DictionariesInUse();
  if (in_use.ok() && CheckDirectory().ok()) dictionaries_->DropUnused(*in_use);
  return training;
}

Result<std::set<std::uint64_t>> CacheCore::DictionariesInUse() {
  Result<std::set<std::uint64_t>> in_use = std::set<std::uint64_t>();
  const Status status = supervisor_->RunLong([&in_use](Store& store) {
    if (Status flushed = store.Flush(); !flushed.ok()) return flushed;
    in_use = store.DictionariesInUse();
    return in_use.status();
  });
  return status.ok() ? in_use : Result<std::set<std::uint64_t>>(status);
}

void CacheCore::Watch() {
  supervisor_->Watch();
  SweepDeadlines();
}

// From here, and not from where it changes, which may be under a lock.
void CacheCore::TellHealth() {
  const Health health = GetHealth();
  if (health.state == told_health_.state && health.reason == told_health_.reason) return;
  told_health_ = health;
  Tell([&](Observer& o) { o.OnHealth(health); });
}

void CacheCore::RunWatchdog() {
  std::unique_lock lock(threads_mutex_);
  while (!threads_wake_.wait_for(lock, kWatchdogPeriod, [this] { return threads_stop_; })) {
    lock.unlock();
    try {
      Watch();
    } catch (const std::exception& error) {
      Log(LogLevel::kError, std::string("watchdog: ") + error.what());
    }
    lock.lock();
  }
}

Status CacheCore::SaveState() {
  const std::lock_guard lock(state_mutex_);
  state_.anchor = clock_->Save();
  state_.counters = counters_.Read();
  state_.number_bound = ledger_->NumberBound();
  Status status = CheckDirectory();
  if (status.ok()) status = WriteState(PathOf("state"), state_);
  if (status.ok()) {
    clock_->Adopt(state_.anchor);
    state_failed_ = false;
  } else if (!std::exchange(state_failed_, true)) {
    Log(LogLevel::kError, "store fault: save state: " + status.ToString());
  }
  if (!status.ok()) counters_.Add(Counter::kStoreFaults);
  return status;
}

// What was handed out before is written first.
Status CacheCore::Sync() {
  if (!write_queue_.Wait(internals_.close_patience)) {
    return {StatusCode::kUnavailable, "the disk does not answer"};
  }
  return supervisor_->Sync();
}

void CacheCore::EndForClosing(FlightState& flight) {
  flight.End({.entry = std::nullopt,
              .status = {StatusCode::kCancelled, "the cache is closed"},
              .acquire_again = true});
}

// Who waits is told, and what was handed out is written.
void CacheCore::EndCalls(std::chrono::milliseconds patience) {
  for (const std::shared_ptr<FlightState>& flight : flights_->Open()) EndForClosing(*flight);
  static_cast<void>(write_queue_.Wait(patience));
  supervisor_->Shut();
}

// What waits for the disk is done by a thread of its own, which keeps the cache alive: if the
// disk hangs, the caller gets away and the files are closed when the disk answers. An observer's
// callback, which may be on a thread that closing has to wait for, gets away at once.
Status CacheCore::Close() {
  if (!calls_.Forbid()) return AwaitClosed(internals_.close_patience);
  const bool by_observer = ObserverCall::IsUnderway(this);
  const auto until = std::chrono::steady_clock::now() + internals_.close_patience;
  if (!by_observer) EndCalls(internals_.close_patience);
  closing_started_ = true;
  std::thread closer;
  try {
    closer = std::thread([self = shared_from_this(), closing = closing_, by_observer]() mutable {
      Status status = Guarded([&] {
        if (by_observer) self->EndCalls(self->internals_.close_patience);
        return self->CloseFiles();
      });
      self.reset();  // known when its hold on the cache is gone
      closing->set_value(std::move(status));
    });
  } catch (...) {  // no thread to be had: wait for the disk ourselves
    if (by_observer) {
      closing_started_ = false;
      calls_.Open();
      return {StatusCode::kUnavailable, "no thread to close with; close again"};
    }
    closing_->set_value(Guarded([this] { return CloseFiles(); }));
    return closed_.get();
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  Status status = AwaitClosed(std::max(left, std::chrono::milliseconds(0)));
  const bool done = closed_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  // Not by an observer, who may be called on a thread that this one waits for.
  done && !by_observer ? closer.join() : closer.detach();
  return status;
}

// Also for who closes again. From a callback of the closing itself it cannot be waited for.
Status CacheCore::AwaitClosed(std::chrono::milliseconds most) {
  if (!closing_started_) return {StatusCode::kUnavailable, "the cache is being closed"};
  const bool by_observer = ObserverCall::IsUnderway(this);
  const auto patience = by_observer ? std::chrono::milliseconds(0) : most;
  if (closed_.wait_for(patience) == std::future_status::ready) return closed_.get();
  if (by_observer) {
    return {StatusCode::kUnavailable, "closing goes on when the observer has returned"};
  }
  log_->Mute();  // the caller's, who may be gone when the disk answers
  ForgetObserver();
  return {StatusCode::kUnavailable, "the disk does not answer; closing goes on when it does"};
}

void CacheCore::StopThreads() {
  {
    const std::lock_guard lock(threads_mutex_);
    threads_stop_ = true;
  }
  threads_wake_.notify_all();
  write_queue_.Stop();
  if (steward_.joinable()) steward_.join();
  if (watchdog_.joinable()) watchdog_.join();
  if (sweeper_.joinable()) sweeper_.join();
  if (warmer_.joinable()) warmer_.join();
  if (training_.valid()) training_.wait();
}

Status CacheCore::CloseFiles() {
  if (std::exchange(files_closed_, true)) return Status::Ok();
  StopThreads();
  if (options_.group != nullptr) options_.group->Leave(this);
  calls_.Shut();
  if (ledger_ == nullptr) return Status::Ok();  // never fully opened
  supervisor_->Shut();
  supervisor_->Stop();
  const Status status = ledger_->RetryUnwritten();
  const Status saved = SaveState();
  SavePopularity();
  SaveHotList();
  lock_.Release();
  return AsUnavailable(status.ok() ? saved : status);
}

}  // namespace larder
