// ClockRun: random steps of the wall clock, within and over boots, restarts and kills, against the
// rules for time: within one boot no step lengthens a life; over boots time does not go back
// behind what was saved, nor behind the wall; a wall clock that is ahead counts for reads at once.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "crashable_cache.h"

namespace larder::testing {

struct ClockResult {
  std::string finding;  // empty: no entry was served past its life
  std::vector<std::string> history;
  std::uint64_t operations = 0;
  std::uint64_t clock_steps = 0;
  std::uint64_t kills = 0;
};

class ClockRun {
 public:
  explicit ClockRun(std::uint64_t seed);
  ClockResult Run(unsigned steps);

 private:
  struct Life {
    int boot = 0;
    Duration put_at{};       // since that boot
    Duration ttl{};          // until its hard expiry
    bool disturbed = false;  // the wall was ahead since: it may end early
  };

  void Step(std::uint64_t dice);
  void Put();
  void Get();
  void PassTime();
  void StepWall();
  void Restart(bool killed, bool reboot);
  void CheckHit(const std::string& key, const Life& life, const Hit& hit);
  bool WallIsAhead();
  void NoteLead();
  void Fail(const std::string& what);
  void Note(const std::string& what) { result_.history.push_back(what); }

  std::mt19937_64 random_;
  CrashableCache cache_;
  int boot_ = 1;
  // What the cache's time is at least: adopted at an opening, plus what has passed since.
  TimePoint least_{};
  Duration least_at_{};
  std::map<std::string, Life> lives_;
  ClockResult result_;
};

}  // namespace larder::testing
