// SoakTally: what the soak counted, and what it found.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace larder::testing {

// Thread-safe.
class SoakTally {
 public:
  using Counts = std::map<std::string, std::uint64_t>;

  void CountCall(const std::string& outcome) { Count(calls_, outcome); }
  void CountFault(const std::string& kind) { Count(faults_, kind); }
  // Prints it, but for what comes after the first ten that begin alike.
  void Find(const std::string& what);

  Counts calls() const { return Copy(calls_); }
  Counts faults() const { return Copy(faults_); }
  std::uint64_t findings() const;

 private:
  void Count(Counts& counts, const std::string& name) {
    const std::lock_guard lock(mutex_);
    ++counts[name];
  }
  Counts Copy(const Counts& counts) const {
    const std::lock_guard lock(mutex_);
    return counts;
  }

  mutable std::mutex mutex_;
  Counts calls_;                // guarded by mutex_
  Counts faults_;               // guarded by mutex_
  std::uint64_t findings_ = 0;  // guarded by mutex_
  Counts alike_;                // guarded by mutex_; by their first words
};

// "12:34:56", UTC.
std::string SoakTimeOfDay();

}  // namespace larder::testing
