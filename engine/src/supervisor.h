// Supervisor: stands between the cache and its store, and decides from what the store's calls say
// who may go there (docs/operations.md has the states as a user sees them).
//
//   serving --fault--> degraded (reads only) --disk takes writes--> reopening (nobody) --> serving
//
// After a failed write RocksDB stays stopped (see NoAutomaticRecovery in store.cc): only opening
// the store anew heals it. A disk that is nearly full, or a call that hangs, needs no reopening:
// who must not go in stays out until that is over.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "counters.h"
#include "gate.h"
#include "larder/health.h"
#include "store.h"
#include "turnstile.h"

namespace larder {

struct SupervisorOptions {
  // Opens the store, moving a corrupt one aside if that is allowed.
  std::function<Result<std::unique_ptr<Store>>()> open = {};
  // Moves the store, which is closed, aside if that is allowed; else says why not.
  std::function<Status(const Status& why)> set_aside = {};
  // Whether the disk takes writes and has room enough for `open`.
  std::function<Status()> probe = {};
  // What must be done with a store that was opened anew before anybody uses it.
  std::function<Status(Store&)> recovered = {};
  std::function<Result<std::uint64_t>()> free_bytes = {};
  std::function<void(LogLevel, std::string_view)> log = {};
  const Clock* clock = nullptr;
  Counters* counters = nullptr;
  // With less than `reserve_bytes` free no values are stored, until `resume_bytes` are.
  std::uint64_t reserve_bytes = 0;
  std::uint64_t resume_bytes = 0;
  // A call that has been inside for so long hangs.
  Duration patience{1000};
};

// Thread-safe, unless a thread is named.
class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options) : options_(std::move(options)) {}
  // Stop must have returned, unless Start was never called.
  ~Supervisor() = default;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Without a store (null) it opens one, as after a fault, as soon as it can; `why` is what stood
  // against that so far.
  void Start(std::unique_ptr<Store> store, const Status& why = Status::Ok());

  // To be held over calls of the store; if false, none may be made. Costs no system call, save
  // that EnterToStore looks at the free space every so many bytes.
  Turnstile::Pass EnterToRead() { return turnstile_.Enter(Admission::kReads); }
  Turnstile::Pass EnterToRemove() { return turnstile_.Enter(Admission::kRemovals); }
  Turnstile::Pass EnterToStore(std::size_t bytes);

  // As in store.h; faults are counted, and followed up.
  ReadOutcome Get(std::string_view key, PinnedRow& row);
  ReadOutcome GetCached(std::string_view key, PinnedRow& row);
  ReadOutcome Peek(std::string_view key, PinnedRow& row);
  std::vector<ReadOutcome> MultiGet(std::span<const std::string_view> keys,
                                    std::span<PinnedRow> rows);
  Status Put(std::string_view key, std::string_view row, bool sync);
  Status MultiPut(std::span<const KeyAndRow> rows, bool sync);
  Status PutSynced(std::string_view key, std::string_view row, StoreMark& mark);
  Status Sync();
  Store& store() { return *store_; }

  // Work on the store that takes long: it needs no pass, does not count as hanging, and is
  // interrupted when the store has to be reopened or closed. kUnavailable if there is no store.
  Status RunLong(const std::function<Status(Store&)>& work);

  // From RocksDB's own threads: a flush or a merge failed.
  void BackgroundFailed(const Status& status);
  // Of the journal, by the steward; ok clears it.
  void NoteJournal(const Status& status);
  // Opens the store anew with a Tick soon, when no long work is inside, though nothing is wrong
  // with it: what is fixed at opening is to change.
  void Renew(std::string_view why);
  // Looks at free space, reopens the store if it needs that and the disk is ready. May block on
  // the disk; the steward calls it every second.
  void Tick();
  // Looks for calls that hang. Never blocks; the watchdog calls it several times a second.
  void Watch();

  Health health() const;
  // Lets nobody in any more. Does not block.
  void Shut();
  // After Shut: waits until nobody is inside, and closes the store. May block on the disk.
  void Stop();

 private:
  // What keeps the store from serving. Several can hold at once.
  struct Trouble {
    std::optional<Status> write;      // needs reopening
    std::optional<Status> read;       // needs reopening
    std::optional<Status> reopening;  // and why; ok: to be renewed
    std::optional<std::string> renewal;
    std::optional<Status> open;  // reopening failed
    std::optional<Status> journal;
    bool no_space = false;
    bool hanging = false;
    bool closed = false;
  };
  struct Verdict {
    Health health;
    Admission admission = Admission::kAll;
  };

  template <typename Change>
  void Update(const Change& change);
  Verdict Judge() const;
  std::string Announce(const Health& before, const Health& now, LogLevel& level);
  void NoteRead(ReadOutcome outcome);
  void ReadFailed();
  void WriteFailed(const Status& status);
  void LookAtSpace();
  bool ReopeningIsDue();
  void Reopen();
  Status OpenAnew();
  void SetAsideIfDamaged(const Status& cause);
  Status Cause() const;
  bool IsSound() const;  // takes writes
  void CountFault() { options_.counters->Add(Counter::kStoreFaults); }

  const SupervisorOptions options_;

  Turnstile turnstile_;
  Gate long_work_;                                  // shut while there is no store
  std::unique_ptr<Store> store_;                    // changed only while nobody is inside either
  std::atomic<std::uint32_t> read_failures_{0};     // since the last read that worked
  std::atomic<std::uint64_t> bytes_until_look_{0};  // counts up

  mutable std::mutex mutex_;  // never held over a call of the store or the log
  // Guarded by mutex_.
  Trouble trouble_;
  Health health_;
  Duration episode_began_{0};
  std::optional<Duration> read_fault_logged_;

  // The steward's alone.
  Duration next_reopening_{0};
  Duration pause_{1000};
  int damaged_reopenings_ = 0;  // in a row, each before the store had been sound for long
};

}  // namespace larder
