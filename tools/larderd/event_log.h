// EventLog: hits, misses and stores as they happen, for those who look on (cachectl monitor).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "larder/observer.h"

namespace larder::gateway {

// Thread-safe. Notes nothing unless somebody has asked within kInterest: a hit pays for one load.
// Keys are hashes; of what was asked or answered nothing is noted.
class EventLog final : public Observer {
 public:
  static constexpr std::chrono::seconds kInterest{10};
  static constexpr std::size_t kMostHeld = 4096;

  using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;
  using UnixNow = std::function<std::int64_t()>;  // milliseconds
  EventLog();
  EventLog(SteadyNow steady, UnixNow unix_ms);

  void OnHit(const Hit& hit) override;
  void OnMiss(std::string_view key, MissReason reason) override;
  void OnStored(const Stored& stored) override;

  // {"events": [...], "next": number to ask with the next time, "lost": events between `after` and
  // the first that is shown, which are held no more}. `after` is a `next` of before; 0 begins: it
  // shows nothing.
  std::string Since(std::uint64_t after);

 private:
  bool is_watched() const;
  void Note(std::string json);

  const SteadyNow steady_;
  const UnixNow unix_ms_;
  std::atomic<std::chrono::steady_clock::rep> watched_until_{0};
  std::mutex mutex_;
  std::array<std::string, kMostHeld> events_;  // guarded by mutex_; number n is at n % kMostHeld
  std::uint64_t next_ = 1;                     // guarded by mutex_
};

}  // namespace larder::gateway
