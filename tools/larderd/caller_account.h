// CallerAccount: how much one caller asks and spends.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "larder/result.h"

namespace larder::gateway {

// Thread-safe.
class CallerAccount {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Day = std::int64_t;  // since 1970, UTC

  // Takes one request of so many a minute, which may come all at once; else how long until there
  // is one to take. A rate of 0 is none: always taken.
  std::optional<std::chrono::milliseconds> Take(std::uint64_t per_minute, Instant now);

  void Spend(std::uint64_t microusd, Day today);
  std::uint64_t Spent(Day today);

 private:
  void TurnTo(Day today);

  std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<Instant> counted_;
  double requests_ = 0;  // that may be taken, as of counted_
  Day day_ = 0;
  std::uint64_t spent_microusd_ = 0;  // on that day
};

CallerAccount::Day Today();

// The accounts of all callers; what they spent today survives a restart. Thread-safe.
class CallerAccounts {
 public:
  using Day = CallerAccount::Day;

  // Made at first use, and kept: a caller that is taken out of the configuration and put back has
  // spent what it has spent.
  std::shared_ptr<CallerAccount> Of(const std::string& name);

  // Adds what was spent; once. A file that is not there, of another day, or not what Save wrote,
  // says nothing. Errors: kInternal (it, or its folder, cannot be read now).
  Status Load(const std::string& file, Day today);
  // Errors: kInternal, also if the folder is not the one any more that Load looked into. Does
  // nothing if nothing was spent since the last time.
  Status Save(const std::string& file, Day today);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<CallerAccount>> accounts_;  // guarded by mutex_
  // Who loads and saves alone.
  std::string saved_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> folder_;  // device and inode
};

}  // namespace larder::gateway
