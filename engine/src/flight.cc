#include "larder/flight.h"

#include <algorithm>
#include <deque>

#include "cache_core.h"
#include "flight_state.h"

namespace larder {

namespace {

// A callback's exception must not reach the thread that computes, nor the other followers.
void CallGuarded(const std::function<void()>& call) {
  try {
    call();
  } catch (...) {  // NOLINT(bugprone-empty-catch): the follower's own affair
  }
}

// A callback that is due while another runs on this thread waits for that to return. Else a late
// reader that takes piece after piece would nest as deep as there are pieces.
void CallInTurn(std::function<void()> call) {
  thread_local std::deque<std::function<void()>>* due = nullptr;
  if (due != nullptr) {
    due->push_back(std::move(call));
    return;
  }
  std::deque<std::function<void()>> calls;
  calls.push_back(std::move(call));  // may throw
  for (due = &calls; !calls.empty(); calls.pop_front()) CallGuarded(calls.front());
  due = nullptr;
}

// With its text, if there is memory for that.
FlightEnd Unfinished(StatusCode code, const char* text) noexcept {
  try {
    return {.entry = std::nullopt, .status = {code, text}};
  } catch (...) {
    return {.entry = std::nullopt, .status = {code, {}}};
  }
}

FlightEnd WithoutText(const FlightEnd& end) noexcept {
  return {end.entry, Status(end.status.code(), {}), end.acquire_again};
}

}  // namespace

void FlightState::Run(std::function<void()> call) const {
  if (executor != nullptr) {
    try {
      (*executor)([call] { CallGuarded(call); });
      return;
    } catch (...) {  // it takes no more work: better here than not at all
    }
  }
  CallInTurn(std::move(call));
}

// Whoever waits is called whatever happens: if there is no memory to run it where it should be,
// then here.
template <typename Argument>
void FlightState::Tell(std::function<void(Argument)> callback, const Argument& argument,
                       Argument spare) const noexcept {
  std::shared_ptr<std::function<void(Argument)>> shared;
  try {
    shared = std::make_shared<std::function<void(Argument)>>(std::move(callback));
    // It runs once, and must not need memory then.
    Run([shared, own = Argument(argument)]() mutable { (*shared)(std::move(own)); });
  } catch (...) {
    try {
      (shared != nullptr ? *shared : callback)(std::move(spare));
    } catch (...) {  // NOLINT(bugprone-empty-catch): the follower's own affair
    }
  }
}

void FlightState::TellEnd(std::function<void(FlightEnd)> callback, const FlightEnd& end) const {
  // Without the text, which would have to be copied.
  Tell(std::move(callback), end, WithoutText(end));
}

void FlightState::Append(SharedBytes piece) {
  std::vector<PieceWaiter> ready;
  {
    const std::lock_guard lock(mutex_);
    if (end_.has_value()) return;
    const std::size_t index = pieces_.size();
    // All that may throw, before anything is changed.
    ready.reserve(piece_waiters_.size());
    pieces_.push_back(piece);
    const auto waits = [index](const PieceWaiter& waiter) { return waiter.index > index; };
    const auto first = std::partition(piece_waiters_.begin(), piece_waiters_.end(), waits);
    ready.assign(std::make_move_iterator(first), std::make_move_iterator(piece_waiters_.end()));
    piece_waiters_.erase(first, piece_waiters_.end());
  }
  const std::optional<SharedBytes> told(std::move(piece));
  for (PieceWaiter& waiter : ready) Tell(std::move(waiter.callback), told, told);
}

bool FlightState::End(FlightEnd end) {
  std::vector<EndWaiter> end_waiters;
  std::vector<PieceWaiter> piece_waiters;
  {
    const std::lock_guard lock(mutex_);
    if (end_.has_value()) return false;
    end_ = std::move(end);
    end_waiters.swap(end_waiters_);
    piece_waiters.swap(piece_waiters_);
  }
  has_ended_.notify_all();
  const std::optional<SharedBytes> no_piece;
  for (PieceWaiter& waiter : piece_waiters) Tell(std::move(waiter.callback), no_piece, no_piece);
  // It does not change any more.
  for (EndWaiter& waiter : end_waiters) TellEnd(std::move(waiter.callback), *end_);
  return true;
}

void FlightState::NoteWritten(PutOutcome outcome) {
  std::vector<std::function<void(PutOutcome)>> waiters;
  {
    const std::lock_guard lock(mutex_);
    if (written_.has_value()) return;
    written_ = outcome;
    waiters.swap(written_waiters_);
  }
  for (auto& callback : waiters) Tell(std::move(callback), outcome, outcome);
}

std::optional<FlightEnd> FlightState::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

std::optional<FlightEnd> FlightState::WaitForEnd(Duration timeout, const std::stop_token& stop) {
  // Made before the lock is taken and destroyed after it is given back: both may wait for a
  // callback, and the callback takes the lock, so that no waiter sleeps past it.
  const std::stop_callback wake(stop, [this] {
    { const std::lock_guard lock(mutex_); }
    has_ended_.notify_all();
  });
  std::unique_lock lock(mutex_);
  const auto ended = [this, &stop] { return end_.has_value() || stop.stop_requested(); };
  if (timeout == kForever) {
    has_ended_.wait(lock, ended);
  } else {
    // Longer ones would overflow when the time of day is added.
    has_ended_.wait_for(lock, std::min(timeout, kLongest), ended);
  }
  try {
    return end_;
  } catch (...) {  // no memory for its text
    return WithoutText(*end_);
  }
}

void FlightState::OnEnd(std::function<void(FlightEnd)> callback, Duration until,
                        const std::stop_token& stop) {
  std::optional<FlightEnd> end;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    end = end_;
    if (!end.has_value()) {
      id = ++last_waiter_id_;
      end_waiters_.push_back(
          {.id = id, .until = until, .callback = std::move(callback), .on_stop = nullptr});
    }
  }
  if (end.has_value()) {
    Run([callback = std::move(callback), end = std::move(*end)] { callback(end); });
    return;
  }
  if (until != kForever) NoteDeadline(until);
  if (stop.stop_possible()) AttachStop(id, stop);
}

// The callback may run while it is being made, so the waiter is in the list before.
void FlightState::AttachStop(std::uint64_t id, const std::stop_token& stop) {
  auto stop_waiter = [weak = weak_from_this(), id] {
    if (const auto self = weak.lock()) self->StopWaiter(id);
  };
  std::shared_ptr<void> on_stop =
      std::make_shared<std::stop_callback<decltype(stop_waiter)>>(stop, std::move(stop_waiter));
  const std::lock_guard lock(mutex_);
  for (EndWaiter& waiter : end_waiters_) {
    if (waiter.id == id) waiter.on_stop.swap(on_stop);
  }
}

void FlightState::StopWaiter(std::uint64_t id) {
  std::optional<EndWaiter> stopped;
  {
    const std::lock_guard lock(mutex_);
    for (auto waiter = end_waiters_.begin(); waiter != end_waiters_.end(); ++waiter) {
      if (waiter->id != id) continue;
      stopped = std::move(*waiter);
      end_waiters_.erase(waiter);
      break;
    }
  }
  if (!stopped.has_value()) return;
  TellEnd(std::move(stopped->callback), Unfinished(StatusCode::kCancelled, "the wait was stopped"));
}

void FlightState::NoteDeadline(Duration at) {
  Duration::rep seen = next_deadline_.load(std::memory_order_relaxed);
  while (at.count() < seen &&
         !next_deadline_.compare_exchange_weak(seen, at.count(), std::memory_order_relaxed)) {
  }
}

bool FlightState::EndDue(Duration now) {
  if (NextDeadline() > now) return false;
  if (deadline <= now) {
    next_deadline_.store(kForever.count(), std::memory_order_relaxed);
    FlightEnd overdue =
        Unfinished(StatusCode::kDeadlineExceeded, "not computed within the lease's time");
    overdue.acquire_again = true;
    return End(std::move(overdue));
  }
  EndWaitersDue(now);
  return false;
}

void FlightState::EndWaitersDue(Duration now) {
  std::vector<EndWaiter> due;
  {
    const std::lock_guard lock(mutex_);
    due.reserve(end_waiters_.size());  // may throw: then they are due the next time, too
    next_deadline_.store(deadline.count(), std::memory_order_relaxed);
    const auto waits = [now](const EndWaiter& waiter) { return waiter.until > now; };
    const auto first = std::stable_partition(end_waiters_.begin(), end_waiters_.end(), waits);
    due.assign(std::make_move_iterator(first), std::make_move_iterator(end_waiters_.end()));
    end_waiters_.erase(first, end_waiters_.end());
    for (const EndWaiter& waiter : end_waiters_) NoteDeadline(waiter.until);
  }
  const FlightEnd late = Unfinished(StatusCode::kDeadlineExceeded, "still computing");
  for (EndWaiter& waiter : due) TellEnd(std::move(waiter.callback), late);
}

void FlightState::OnWritten(std::function<void(PutOutcome)> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!written_.has_value()) {
      written_waiters_.push_back(std::move(callback));
      return;
    }
  }
  Run([callback = std::move(callback), outcome = *written_] { callback(outcome); });
}

void FlightState::OnPiece(std::size_t index,
                          std::function<void(std::optional<SharedBytes>)> callback) {
  std::optional<SharedBytes> piece;
  {
    const std::lock_guard lock(mutex_);
    if (index < pieces_.size()) {
      piece = pieces_[index];
    } else if (!end_.has_value()) {
      piece_waiters_.push_back({index, std::move(callback)});
      return;
    }
  }
  Run([callback = std::move(callback), piece = std::move(piece)] { callback(piece); });
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Lease(std::move(*this));  // abandons what was held
    state_ = std::move(other.state_);
  }
  return *this;
}

Lease::~Lease() {
  if (state_ == nullptr) return;
  const std::shared_ptr<FlightState> state = state_;
  try {
    Abandon({StatusCode::kCancelled, "the lease was dropped"});
  } catch (...) {  // no memory for the text, or for a callback
    try {
      AbandonFlight(state, {StatusCode::kCancelled, {}});
    } catch (...) {  // NOLINT(bugprone-empty-catch): the lease is gone from the table by now
    }
  }
}

// There was no memory for a flight when it was given out.
const std::shared_ptr<FlightState>& Lease::State() const {
  if (state_ == nullptr) {
    auto state = std::make_shared<FlightState>();
    state->reason = MissReason::kFault;
    state->unstorable = {StatusCode::kInternal, "the engine ran out of memory"};
    state_ = std::move(state);
  }
  return state_;
}

bool Lease::ended() const { return state_ != nullptr && state_->end().has_value(); }

std::uint64_t Lease::number() const { return state_ == nullptr ? 0 : state_->number; }
MissReason Lease::reason() const { return state_ == nullptr ? MissReason::kFault : state_->reason; }
Flight Lease::Follow() const { return Flight(State()); }
void Lease::Append(SharedBytes piece) { State()->Append(std::move(piece)); }

Committed Lease::Commit(std::string_view body, const WriteOptions& options) {
  State();
  const std::shared_ptr<FlightState> state = std::move(state_);
  try {
    Committed committed = CommitFlight(state, body, options);
    state->NoteWritten(committed.outcome);
    return committed;
  } catch (...) {  // no memory for the entry
    AbandonFlight(state, {StatusCode::kInternal, "out of memory"});
    state->NoteWritten(PutOutcome::kNotStored);
    throw;
  }
}

Entry Lease::CommitInBackground(std::string_view body, const WriteOptions& options) {
  const std::shared_ptr<CacheCore> core = State()->core.lock();
  if (core == nullptr) return Commit(body, options).entry;
  const std::shared_ptr<FlightState> state = state_;
  return core->CommitInBackground(state, std::move(*this), body, options);
}

void Lease::Abandon(Status status) {
  const std::shared_ptr<FlightState> state = std::move(state_);
  if (state == nullptr) return;
  if (status.ok()) status = {StatusCode::kInternal, "abandoned without an error"};
  AbandonFlight(state, std::move(status));
  state->NoteWritten(PutOutcome::kNotStored);
}

std::uint64_t Flight::number() const { return state_->number; }
MissReason Flight::reason() const { return state_->reason; }

void Flight::OnEnd(std::function<void(FlightEnd)> callback, Duration timeout,
                   std::stop_token stop) const {
  FollowFlight(state_, std::move(callback), timeout, stop);
}

void Flight::OnWritten(std::function<void(PutOutcome)> callback) const {
  state_->OnWritten(std::move(callback));
}

void Flight::OnPiece(std::size_t index,
                     std::function<void(std::optional<SharedBytes>)> callback) const {
  state_->OnPiece(index, std::move(callback));
}

FlightEnd Flight::Wait(Duration timeout, std::stop_token stop) const {
  std::optional<FlightEnd> end = state_->WaitForEnd(timeout, stop);
  if (end.has_value()) return *std::move(end);
  if (stop.stop_requested()) return Unfinished(StatusCode::kCancelled, "the wait was stopped");
  FlightEnd late = Unfinished(StatusCode::kDeadlineExceeded, "still computing");
  try {
    late.status = {StatusCode::kDeadlineExceeded,
                   "still computing after " + std::to_string(timeout.count()) + " ms"};
  } catch (...) {  // NOLINT(bugprone-empty-catch): then without how long
  }
  return late;
}

}  // namespace larder
