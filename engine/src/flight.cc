#include "larder/flight.h"

#include <algorithm>
#include <condition_variable>

#include "cache_core.h"
#include "flight_state.h"

namespace larder {

// A callback's exception must not reach the thread that computes, nor the other followers.
void FlightState::Run(std::function<void()> call) const {
  auto guarded = [call = std::move(call)] {
    try {
      call();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the follower's own affair
    }
  };
  if (executor != nullptr) {
    (*executor)(std::move(guarded));
  } else {
    guarded();
  }
}

void FlightState::Append(SharedBytes piece) {
  std::vector<PieceWaiter> ready;
  {
    const std::lock_guard lock(mutex_);
    if (end_.has_value()) return;
    const std::size_t index = pieces_.size();
    pieces_.push_back(piece);
    const auto waits = [index](const PieceWaiter& waiter) { return waiter.index > index; };
    const auto first = std::stable_partition(piece_waiters_.begin(), piece_waiters_.end(), waits);
    ready.assign(std::make_move_iterator(first), std::make_move_iterator(piece_waiters_.end()));
    piece_waiters_.erase(first, piece_waiters_.end());
  }
  for (PieceWaiter& waiter : ready) {
    Run([callback = std::move(waiter.callback), piece] { callback(piece); });
  }
}

bool FlightState::End(FlightEnd end) {
  std::vector<std::function<void(FlightEnd)>> end_waiters;
  std::vector<PieceWaiter> piece_waiters;
  {
    const std::lock_guard lock(mutex_);
    if (end_.has_value()) return false;
    end_ = end;
    end_waiters.swap(end_waiters_);
    piece_waiters.swap(piece_waiters_);
  }
  for (PieceWaiter& waiter : piece_waiters) {
    Run([callback = std::move(waiter.callback)] { callback(std::nullopt); });
  }
  for (auto& callback : end_waiters) {
    Run([callback = std::move(callback), end] { callback(end); });
  }
  return true;
}

std::optional<FlightEnd> FlightState::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

void FlightState::OnEnd(std::function<void(FlightEnd)> callback) {
  std::optional<FlightEnd> end;
  {
    const std::lock_guard lock(mutex_);
    if (!end_.has_value()) {
      end_waiters_.push_back(std::move(callback));
      return;
    }
    end = end_;
  }
  Run([callback = std::move(callback), end = std::move(*end)] { callback(end); });
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
  if (state_ != nullptr) Abandon({StatusCode::kCancelled, "the lease was dropped"});
}

std::uint64_t Lease::number() const { return state_->number; }
Flight Lease::Follow() const { return Flight(state_); }
void Lease::Append(SharedBytes piece) { state_->Append(std::move(piece)); }

Committed Lease::Commit(std::string_view body, const WriteOptions& options) {
  const std::shared_ptr<FlightState> state = std::move(state_);
  return CommitFlight(state, body, options);
}

void Lease::Abandon(Status status) {
  const std::shared_ptr<FlightState> state = std::move(state_);
  if (state == nullptr) return;
  AbandonFlight(state, std::move(status));
}

std::uint64_t Flight::number() const { return state_->number; }

void Flight::OnEnd(std::function<void(FlightEnd)> callback) const {
  state_->OnEnd(std::move(callback));
}

void Flight::OnPiece(std::size_t index,
                     std::function<void(std::optional<SharedBytes>)> callback) const {
  state_->OnPiece(index, std::move(callback));
}

FlightEnd Flight::Wait(Duration timeout) const {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<FlightEnd> end;
  };
  const auto waiting = std::make_shared<Waiting>();
  state_->OnEnd([waiting](FlightEnd end) {
    const std::lock_guard lock(waiting->mutex);
    waiting->end = std::move(end);
    waiting->changed.notify_all();
  });
  std::unique_lock lock(waiting->mutex);
  const auto has_ended = [&] { return waiting->end.has_value(); };
  if (timeout == kForever) {
    waiting->changed.wait(lock, has_ended);
  } else if (!waiting->changed.wait_for(lock, timeout, has_ended)) {
    return {std::nullopt,
            {StatusCode::kDeadlineExceeded,
             "still computing after " + std::to_string(timeout.count()) + " ms"}};
  }
  return *waiting->end;
}

}  // namespace larder
