// KillLoop: lets a process write to a cache, kills it, and checks what the next one finds against
// what the dead one had said. The oracle is here, outside of the process that dies.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "larder/cache.h"

namespace larder::testing {

inline constexpr int kKeysOfLane = 10;
// A put's own, and what a touch makes of it.
inline constexpr std::chrono::hours kTtlPut{24};
inline constexpr std::chrono::hours kTtlTouched{240};

// Of a key of a lane, by its last character: "tag 2.0" to "tag 2.2".
std::string TagOfKey(const std::string& key);

// The names of all kill points (engine/src/kill_point.h).
const std::vector<std::string>& KillPoints();

class KillLoop {
 public:
  // `writer`: the program crash_writer. `directory`: of the cache, made if missing.
  KillLoop(std::string writer, std::string directory, std::uint64_t seed);

  struct Round {
    std::string point;     // empty: killed from outside, at any moment
    bool reached = false;  // the point was passed often enough
    std::uint64_t operations = 0;
    bool refused = false;  // a call failed, and the writer gave up
    std::string finding;   // empty: nothing lost, resurrected or torn
  };
  Round RunRound();

 private:
  struct Value {
    std::string body;
    std::string tag;
    bool soft = false;     // invalidated softly: there, but stale
    bool touched = false;  // lives longer

    bool operator==(const Value&) const = default;
  };
  // What one thread of the writer did. Its keys and tags are its own.
  struct Lane {
    std::map<std::string, Value> values;
    std::vector<std::string> pending;  // said to be about to happen; empty: nothing
    std::string lease_key;
    std::string lease_tag;
    bool lease_covered = false;  // something the lease is for was written or invalidated since
    bool lease_soft = false;     // only softly invalidated since
  };
  using Parts = std::vector<std::string>;

  std::string RunWriter(const std::string& point, int passages, std::size_t lines, bool& reached);
  void Hear(const std::string& said, Round& round);
  void Answered(Lane& lane, bool stored, Round& round);
  static void Apply(const Parts& operation, Lane& lane);
  static void Cover(const Parts& operation, Lane& lane);
  static bool MayHold(const Lane& lane, const std::string& key, const std::optional<Value>& found);
  void Check(Round& round);

  const std::string writer_;
  const std::string directory_;
  std::mt19937_64 random_;
  std::vector<Lane> lanes_;
};

}  // namespace larder::testing
