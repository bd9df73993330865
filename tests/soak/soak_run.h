// SoakRun: callers without end, one fault after the other, a look at the process in between.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "process_watch.h"
#include "soak_caller.h"
#include "soak_faults.h"

namespace larder::testing {

struct SoakOptions {
  std::string larderd;
  std::uint64_t seed = 1;
  std::chrono::seconds length{20};
  int callers = 16;
  bool volumes = false;
  // Waits so long; true if the soak is to end.
  std::function<bool(std::chrono::milliseconds)> wait;
};

// One thread, which must be the one that made it.
class SoakRun {
 public:
  explicit SoakRun(SoakOptions options);
  ~SoakRun();

  // Prints a line a slice and the sums. Returns the number of findings.
  std::uint64_t Run();

 private:
  // One slice; true if the soak is to end.
  bool RunSlice(int index, std::chrono::seconds length);
  // The next one, of those that end the life of the process or of the others.
  void RunFault(bool ends_life);
  void CallUntilStopped(std::uint64_t seed);
  // All callers rest, and what they had is given back.
  ProcessSample SampleAtRest();
  void LookAtLife();
  void PrintSlice(int index, const ProcessSample& rest);
  void PrintSums() const;

  const SoakOptions options_;
  SoakWorld world_;
  SoakCaller conductor_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> rest_ = false;
  std::atomic<int> resting_ = 0;
  std::vector<std::thread> callers_;
  // What is left of each kind, in random order, before all of them come again.
  std::vector<const SoakFault*> next_[2];
  std::uint64_t peak_kib_ = 0;
  int watched_life_ = 0;
  std::vector<ProcessSample> at_rest_;  // of that life
  SoakTally::Counts last_calls_;
};

}  // namespace larder::testing
