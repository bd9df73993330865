// FlightState: one computation in progress, shared by its Lease and its Flights.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
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
  Duration started{};  // since boot
  MissReason reason = MissReason::kAbsent;
  std::weak_ptr<CacheCore> core;
  std::shared_ptr<const Executor> executor;  // null = inline
  Status unstorable;  // not ok: in no table, and why its outcome is not stored

  // Guarded by the lock of the flight table's shard.
  std::vector<std::string> tags;  // of every read that joined
  std::vector<TagHash> tag_hashes;
  bool tags_final = false;  // committing
  bool in_table = false;
  FlightState* newer = nullptr;  // open leases of the shard by number
  FlightState* older = nullptr;

  // What followers see. Thread-safe; callbacks run without any lock held.
  void Append(SharedBytes piece);
  // The first end counts; false if there was one before.
  bool End(FlightEnd end);
  // After End, and after the write, if there is one. The first call counts.
  void NoteWritten(PutOutcome outcome);
  std::optional<FlightEnd> end() const;
  // Null: not within `timeout`. Waits on its own, not by way of the executor.
  std::optional<FlightEnd> WaitForEnd(Duration timeout);
  void OnEnd(std::function<void(FlightEnd)> callback);
  void OnWritten(std::function<void(PutOutcome)> callback);
  void OnPiece(std::size_t index, std::function<void(std::optional<SharedBytes>)> callback);

 private:
  struct PieceWaiter {
    std::size_t index;
    std::function<void(std::optional<SharedBytes>)> callback;
  };
  void Run(std::function<void()> call) const;

  mutable std::mutex mutex_;
  std::condition_variable has_ended_;
  // Guarded by mutex_.
  std::vector<SharedBytes> pieces_;
  std::optional<FlightEnd> end_;
  std::optional<PutOutcome> written_;
  std::vector<std::function<void(FlightEnd)>> end_waiters_;
  std::vector<std::function<void(PutOutcome)>> written_waiters_;
  std::vector<PieceWaiter> piece_waiters_;
};

}  // namespace larder
