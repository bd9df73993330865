// ModelRun: runs a schedule against a real cache on a disk in memory, and checks every answer
// against the oracle. One thread, so that a seed is a history; leases stay open across all else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache_oracle.h"
#include "crashable_cache.h"
#include "model_schedule.h"

namespace larder::testing {

struct ModelOptions {
  std::uint64_t seed = 1;
  bool hot_tier = true;
  Durability durability = Durability::kProcess;
  std::size_t ledger_tags = 1'000'000;
  std::uint64_t journal_room = 32'768;
  std::uint64_t write_buffer_bytes = std::uint64_t{64} << 10;
  std::uint32_t keys = 8;
  std::uint32_t tags = 6;
};
// As the seed has it: hot tier on or off, large or tiny ledger, journal and memtables.
ModelOptions MakeModelOptions(std::uint64_t seed);
std::string ToString(const ModelOptions& options);

struct ModelResult {
  std::string finding;  // empty: every answer was admissible
  std::vector<std::string> history;
  std::uint64_t steps = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t hits = 0;
};

class ModelRun {
 public:
  explicit ModelRun(const ModelOptions& options);
  ModelResult Run(const std::vector<Step>& schedule);

 private:
  // A computation in progress, as the promises have it (P7).
  struct OpenFlight {
    std::string key = {};
    Instant began = 0;
    Tags tags = {};  // of every read that joined
    std::optional<Lease> lease = {};
  };
  struct Follower {
    std::uint64_t flight;
    Instant arrived;
    Tags tags;
    std::shared_ptr<std::optional<FlightEnd>> end;
  };
  struct ArmedCrash {
    Crash how;
    unsigned steps_left;
    std::optional<std::uint64_t> again = {};
  };

  // Each does one step, checks what it answered, and returns what it did.
  Effect RunStep(const Step& step);
  Effect Put(const Step& step);
  Effect PutTogether(const Step& step);
  Effect Touch(const Step& step);
  Effect Get(const Step& step);  // Peek and GetInMemory, too
  Effect GetTogether(const Step& step);
  Effect Scan(const Step& step);
  Effect Acquire(const Step& step);
  Effect Commit(const Step& step);
  Effect Abandon(const Step& step);
  Effect GetOrCompute(const Step& step);
  Effect Remove(const std::string& key);
  Effect Invalidate(Tags tags);
  Effect InvalidatePrefix(const Step& step);
  Effect Soften(const Step& step);
  Effect InvalidateAll();
  Effect InvalidateTogether(const Step& step);
  Effect Reopen();
  Effect LateCommit(const Step& step);
  Effect Sync();
  Effect Compact();

  void LoseFlights();
  void ArmCrash(const Step& step, Crash how);
  void AfterStep(const Effect& effect);
  void Recover(const Effect& pending);
  void OpenCache();

  // What a step's numbers mean.
  std::string KeyOf(std::uint32_t number) const;
  Tags TagsOf(std::uint32_t number) const;
  static std::string PrefixOf(std::uint32_t number);
  ReadSpec ReadOf(const std::string& key, const Step& step) const;
  const WrittenValue& NewValue(const std::string& key, const Step& step, Instant began, Tags tags);
  WriteOptions WriteOf(const Step& step, const Tags& tags) const;

  void CheckHit(const Hit& hit, const Expectation& expect);
  void CheckEntry(const Entry& entry, const WrittenValue& value);
  void CheckEnd(const Follower& follower, const FlightEnd& end, bool may_be_cancelled);
  Certainty Joinable(const std::string& key, const ReadSpec& read) const;
  void Lead(const std::string& key, const ReadSpec& read, Instant instant, Lease lease);
  std::optional<std::uint64_t> ChooseFlight(const Step& step) const;
  void EndFlight(std::uint64_t id, bool may_be_cancelled);
  void NoteNumber(Instant instant, std::uint64_t number);
  void Fail(const std::string& what);
  void Note(const std::string& what);
  bool SyncsPuts() const { return options_.durability == Durability::kSync; }
  TimePoint now() { return cache_.clock().Wall(); }

  const ModelOptions options_;
  CrashableCache cache_;
  CacheOracle oracle_;
  ModelResult result_;

  std::map<std::uint64_t, OpenFlight> flights_;
  std::map<std::string, std::uint64_t> table_;  // key to the flight that a miss joins
  std::vector<Follower> followers_;
  std::vector<Lease> late_leases_;  // of caches closed since
  std::map<std::string, std::uint64_t> last_numbers_;
  std::uint64_t next_flight_ = 1;
  std::optional<ArmedCrash> armed_;
};

// Runs what the seed says. On a finding, takes out steps as long as it stays a finding.
ModelResult RunModel(std::uint64_t seed, std::size_t steps);
ModelResult RunModel(const ModelOptions& options, const std::vector<Step>& schedule);
std::vector<Step> Shrink(const ModelOptions& options, std::vector<Step> schedule);

}  // namespace larder::testing
