// FlightState: one computation in progress, shared by its Lease and its Flights.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "larder/flight.h"
#include "larder/options.h"
#include "ledger.h"

namespace larder {

class CacheCore;

using Executor = std::function<void(std::function<void()>)>;

struct FlightState : std::enable_shared_from_this<FlightState> {
  // Constant once shared.
  std::string key;
  std::uint64_t hash = 0;
  std::uint64_t number = 0;
  Duration started{};            // since boot
  Duration deadline = kForever;  // since boot; of the lease
  MissReason reason = MissReason::kAbsent;
  std::weak_ptr<CacheCore> core;
  std::shared_ptr<const Executor> executor;  // null = inline
  Status unstorable;             // not ok: nobody joins it, and why its outcome is not stored
  const Clock* clock = nullptr;  // of one without a core whose deadlines are kept (late_flights.h)

  // Guarded by the lock of the flight table's shard.
  std::vector<std::string> tags;  // of every read that joined
  std::vector<TagHash> tag_hashes;
  bool tags_final = false;  // committing
  bool replaced = false;    // by a put, before its own value is written
  bool in_table = false;
  bool open = false;             // its lease is out: in the list of open leases
  FlightState* newer = nullptr;  // open leases of the shard by number
  FlightState* older = nullptr;

  // What followers see. Thread-safe; callbacks run without any lock held.
  void Append(SharedBytes piece);
  // The first end counts; false if there was one before. Does not throw: for want of memory some
  // callbacks run on this thread, without the text of the status.
  bool End(FlightEnd end);
  // After End, and after the write, if there is one. The first call counts.
  void NoteWritten(PutOutcome outcome);
  std::optional<FlightEnd> end() const;
  // Null: not within `timeout`, or stopped. Waits on its own, not by way of the executor. Does not
  // throw: for want of memory it is without the text of the status.
  std::optional<FlightEnd> WaitForEnd(Duration timeout, const std::stop_token& stop);
  // `until`: since boot.
  void OnEnd(std::function<void(FlightEnd)> callback, Duration until, const std::stop_token& stop);
  void OnWritten(std::function<void(PutOutcome)> callback);
  void OnPiece(std::size_t index, std::function<void(std::optional<SharedBytes>)> callback);

  // Of the lease and of the followers, the one that comes first; kForever if there is none.
  Duration NextDeadline() const { return Duration(next_deadline_.load(std::memory_order_relaxed)); }
  // Sets NextDeadline to at most `at`.
  void NoteDeadline(Duration at);
  // Ends what is due at `now`: the flight, or the waiting of some. True: it was the flight.
  bool EndDue(Duration now);

 private:
  struct EndWaiter {
    std::uint64_t id = 0;
    Duration until{};
    std::function<void(FlightEnd)> callback;
    std::shared_ptr<void> on_stop;  // a std::stop_callback; never destroyed under mutex_
  };
  struct PieceWaiter {
    std::size_t index;
    std::function<void(std::optional<SharedBytes>)> callback;
  };
  void Run(std::function<void()> call) const;
  template <typename Argument>
  void Tell(std::function<void(Argument)> callback, const Argument& argument,
            Argument spare) const noexcept;
  void TellEnd(std::function<void(FlightEnd)> callback, const FlightEnd& end) const;
  void EndWaitersDue(Duration now);
  void StopWaiter(std::uint64_t id);
  void AttachStop(std::uint64_t id, const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::condition_variable has_ended_;
  // Guarded by mutex_.
  std::vector<SharedBytes> pieces_;
  std::optional<FlightEnd> end_;
  std::optional<PutOutcome> written_;
  std::vector<EndWaiter> end_waiters_;
  std::uint64_t last_waiter_id_ = 0;
  std::vector<std::function<void(PutOutcome)>> written_waiters_;
  std::vector<PieceWaiter> piece_waiters_;

  std::atomic<Duration::rep> next_deadline_{Duration::max().count()};  // since boot
};

}  // namespace larder
