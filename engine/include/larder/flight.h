// Lease and Flight: the two sides of a computation in progress (single-flight).
//
// The first caller that misses gets the Lease and computes; all others that miss meanwhile get
// the same Flight and share what comes of it. A lease carries the number of the moment when it
// was given out, so a slow computation cannot bring back what was invalidated while it ran
// (leases as in Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "larder/entry.h"
#include "larder/options.h"
#include "larder/shared_bytes.h"
#include "larder/status.h"

namespace larder {

struct FlightState;  // engine-internal

// Why a read found nothing to use.
enum class MissReason {
  kAbsent,       // never written, or reclaimed since
  kExpired,      // past its freshness, and staler than the read allows
  kInvalidated,  // removed, or one of its tags or everything invalidated
  kUnwanted,     // there, but not as new or as fresh as was asked (max_age, newer_than)
  kCorrupt,      // its checksum did not match
  kFault,        // the store could not be read
};

enum class PutOutcome {
  kStored,
  kSuperseded,  // something newer, or a removal, was there: nothing written
  kNotStored,   // ttl 0, over a limit, or the store failed; `status` says which
};

struct Committed {
  // The value, whether or not it was stored.
  Entry entry;
  PutOutcome outcome = PutOutcome::kNotStored;
  // Ok, or why it could not be stored: kInvalidArgument (tags, metadata), kResourceExhausted
  // (body over max_body_bytes), kUnavailable (the store failed).
  Status status;
};

// The right, and the duty, to compute one value. Move-only; destroying it abandons it.
// Not thread-safe: one thread at a time. May outlive the Cache; commits then store nothing. After
// Commit, Abandon or a move from it, it may only be destroyed or assigned to.
class Lease {
 public:
  explicit Lease(std::shared_ptr<FlightState> state) : state_(std::move(state)) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  std::uint64_t number() const;
  MissReason reason() const;
  // A new Flight on what this lease computes, for example for the caller that started it.
  class Flight Follow() const;
  // True once the flight has ended under it (ReadOptions::lease_timeout has passed, or the cache
  // was closed): nobody waits for it any more. Commit still stores what it can.
  bool ended() const;
  // Hands a piece to the followers, at once. What is stored is up to Commit.
  void Append(SharedBytes piece);
  // Ends the flight: the followers get the entry first, then it is written. The entry's tags are
  // options.tags and those of every read that joined. Throws std::bad_alloc if there is no memory
  // for the entry itself; the followers have been told then.
  Committed Commit(std::string_view body, const WriteOptions& options = {});
  // As Commit, but leaves the writing to a thread of the cache and does not wait for it, however
  // slow the disk is; Flight::OnWritten tells when it is done, and reads find the value until then.
  // If a 16th of max_memory_bytes waits to be written already, and still does 10 ms later, the
  // value is not stored (counted as refused).
  Entry CommitInBackground(std::string_view body, const WriteOptions& options = {});
  // Ends the flight with an error, which the followers share. kCancelled tells them to acquire
  // again. An ok `status` becomes kInternal.
  void Abandon(Status status);

 private:
  const std::shared_ptr<FlightState>& State() const;
  mutable std::shared_ptr<FlightState> state_;  // made when needed, if there was no memory for it
};

struct FlightEnd {
  // Set if the computation was committed and holds for this follower.
  std::optional<Entry> entry;
  // Ok if and only if `entry` is set. kCancelled: the lease was dropped, the cache closed, a tag
  // named only at the end was invalidated while it was computed, or this follower was stopped.
  // kDeadlineExceeded: of the lease, or of this follower. Else what the lease was abandoned with.
  Status status;
  // The computation was given up, not failed, and this follower may go on: it acquires again.
  bool acquire_again = false;
};

// A follower's view of a computation. Copyable, thread-safe; any number of callbacks; destroying
// it detaches nobody else. Callbacks run on Options::executor, each once; without one, on the
// thread that ends the flight, asks or keeps the deadlines, one after the other: a callback that
// becomes due within another runs after it. A callback must not close the cache.
class Flight {
 public:
  explicit Flight(std::shared_ptr<FlightState> state) : state_(std::move(state)) {}

  std::uint64_t number() const;
  // What the read that began it found.
  MissReason reason() const;
  // Calls back when the flight has ended, at once if it has. At the latest about when `timeout` has
  // passed on the cache's clock (kDeadlineExceeded), or when `stop` is requested (kCancelled): then
  // only this follower has given up.
  void OnEnd(std::function<void(FlightEnd)> callback, Duration timeout = kForever,
             std::stop_token stop = {}) const;
  // Calls back when it is known what became of the outcome in the store, which is after OnEnd: at
  // once for what is not stored; when the store has it, durable as Options say; or never before
  // a store that hangs answers.
  void OnWritten(std::function<void(PutOutcome)> callback) const;
  // Calls back once, when there are more than `index` pieces, with piece number `index` (the
  // first is 0), or with nullopt when the flight has ended without it. Pieces come exactly as
  // they were appended; a reader that takes the next one when it is ready holds nobody up.
  void OnPiece(std::size_t index, std::function<void(std::optional<SharedBytes>)> callback) const;
  // Blocks until the end, at most `timeout` (kDeadlineExceeded), or until `stop` is requested
  // (kCancelled).
  FlightEnd Wait(Duration timeout = kForever, std::stop_token stop = {}) const;

 private:
  std::shared_ptr<FlightState> state_;
};

}  // namespace larder
