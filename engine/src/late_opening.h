// LateOpening: opens a cache on a thread of its own, again and again until the disk lets it.
//
// The thread owns all that it uses: whoever began it can leave it behind in a disk that hangs.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cache_core.h"

namespace larder {

struct LateTiming {
  // An attempt that has not ended within this hangs.
  std::chrono::milliseconds patience = std::chrono::seconds(1);
  // Between two attempts; doubles.
  std::chrono::milliseconds first_pause = std::chrono::seconds(1);
  std::chrono::milliseconds longest_pause = std::chrono::seconds(64);
};

// Thread-safe. Closed before it is destroyed.
class LateOpening : public std::enable_shared_from_this<LateOpening> {
 public:
  // `options` are valid.
  LateOpening(Options options, CacheInternals internals, const LateTiming& timing)
      : directory_(options.directory),
        internals_(std::move(internals)),
        timing_(timing),
        options_(std::move(options)) {}

  // Once, first of all. Waits for what comes of the first attempt: the cache, or an error that does
  // not pass by itself. Nothing: it hangs or has failed, and the thread goes on.
  std::optional<Result<std::unique_ptr<Cache>>> Begin();

  // Null: not open yet. Lives as long as this.
  Cache* cache() const { return published_.load(std::memory_order_acquire); }
  // The last number that it had given out when it opened.
  std::uint64_t opened_at() const { return opened_at_; }
  // While there is none: why.
  Health health() const;
  bool is_closing() const;
  // Of the cache that will be. Errors: kInvalidArgument.
  Status Change(const OptionsChange& change);
  // As Cache::Close, of what is open or will be.
  Status Close();
  // Begins to close and waits for nothing.
  void Shut();
  // Nobody closes it any more: what still runs goes on by itself.
  void Leave();

  // What was counted before there was a cache; it goes on from there.
  Counters& counters() { return counters_; }

 private:
  using Steady = std::chrono::steady_clock;

  void Run();
  bool Attempt();
  Status Publish(const std::shared_ptr<CacheCore>& core);
  void End(std::unique_lock<std::mutex>& lock);
  void Abandon(std::unique_lock<std::mutex>& lock);
  HealthReason Reason() const;
  std::string Detail() const;

  const std::string directory_;
  const CacheInternals internals_;
  const LateTiming timing_;
  std::atomic<Cache*> published_{nullptr};
  std::uint64_t opened_at_ = 0;  // constant once published
  Counters counters_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::thread thread_;
  Options options_;
  bool options_changed_ = false;                     // since the attempt that runs took them
  std::shared_ptr<CacheCore> opening_;               // by the attempt that runs
  std::shared_ptr<GuardedLog> log_;                  // of the latest attempt
  std::optional<Steady::time_point> attempt_began_;  // of the one that runs
  std::optional<Status> failure_;                    // of the latest attempt that has ended
  bool awaited_ = true;                              // by Begin
  Steady::time_point late_from_;                     // when Begin ceased to wait
  TimePoint late_since_{};                           // the same on the wall
  bool closing_ = false;
  bool ended_ = false;  // the thread, but for its last steps
  Status closed_;       // what closing the core gave, if there was one by then
  std::unique_ptr<Cache> cache_;
};

}  // namespace larder
