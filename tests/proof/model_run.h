// ModelRun: runs a schedule against a real cache on a disk in memory, and checks every answer
// against the oracle. One thread, so that a seed is a history; leases stay open across all else,
// and what goes to the executor or is left to be written later is done when the schedule says so.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cache_oracle.h"
#include "crashable_cache.h"
#include "model_schedule.h"

namespace larder::testing {

struct ModelOptions {
  std::uint64_t seed = 1;
  bool hot_tier = true;
  bool executor = false;  // else callbacks run inline, and nothing is computed anew behind a read
  bool on_disk = false;   // on real files: backups and damage, and no crashes
  bool write_later = false;  // else CommitInBackground writes at once
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

ReadOptions OptionsOf(const ReadSpec& read);
// The store is behind with its merges, and a run's steward seldom wakes: nothing was done.
bool IsRefusal(const Status& status);

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
    Tags tags = {};        // of every read that joined
    Tags maybe_tags = {};  // of reads that may have joined, and then took what is stale
    std::optional<Lease> lease = {};
    Duration deadline = kForever;  // of the lease, since boot
    bool ended = false;
    bool may_be_cancelled = false;  // its followers may be told to acquire again
    bool may_be_displaced = false;  // by a lease that was dropped: found when it is written
    bool failed = false;            // its followers are told that the upstream failed
    std::uint64_t unwritten = 0;    // the value that is still to be written
  };
  struct Follower {
    std::uint64_t flight;
    Instant arrived;
    Tags tags;
    std::shared_ptr<std::optional<FlightEnd>> end;
    Duration until = kForever;  // since boot
    std::stop_source stop = {};
  };
  struct PendingWrite {
    std::uint64_t flight;
    std::function<void()> work;
  };
  // What a loader did.
  struct Told {
    std::uint64_t flight = 0;  // 0: it did not run
    std::uint64_t value = 0;   // 0: it failed
    bool kept = false;
  };
  struct SavedCache {
    std::uint32_t id = 0;  // of the backup
    std::shared_ptr<const CacheOracle> oracle;
    std::uint64_t lineage = 0;
    std::uint64_t serial = 0;
    std::uint64_t ledgers_lost = 0;
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
  Effect Commit(const Step& step);  // CommitInBackground, too
  Effect WriteOne(const Step& step);
  Effect WriteAll();
  Effect Abandon(const Step& step);
  Effect Stop(const Step& step);
  Effect RunOne(const Step& step);
  Effect Watch();
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
  Effect Export(const Step& step);
  Effect Import(const Step& step);
  Effect Backup();
  Effect RestoreBackup(const Step& step);
  Effect DamageFiles(const Step& step);

  void WriteFlight(std::uint64_t id, const std::function<void()>& work, Effect& effect);
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
  static bool IsKept(const WriteOptions& write) { return write.ttl != Duration::zero(); }

  // A read finds the row, or what is still to be written.
  struct Expected {
    Expectation row = {};
    std::optional<Expectation> unwritten = {};

    bool MustHit() const {
      return row.hit == Certainty::kYes ||
             (unwritten.has_value() && unwritten->hit == Certainty::kYes);
    }
  };
  Expected Expect(const std::string& key, const ReadSpec& read);
  void CheckFound(const std::string& key, const std::optional<Hit>& hit, const Expected& expected);
  void CheckHit(const Hit& hit, const Expected& expected);
  void CheckHit(const Entry& entry, std::optional<bool> stale, const Expected& expected);
  void CheckEntry(const Entry& entry, const WrittenValue& value);
  void CheckEnd(const Follower& follower, const FlightEnd& end);
  void CheckEnds();
  Certainty Joinable(const std::string& key, const ReadSpec& read);
  Certainty Holds(const OpenFlight& flight, const Tags& named) const;
  std::uint64_t Lead(const std::string& key, const ReadSpec& read, Instant instant);
  void LeadWith(const std::string& key, const ReadSpec& read, Instant instant, Lease lease);
  void Follow(const Step& step, const std::string& key, const ReadSpec& read, Instant instant,
              const Flight& flight);
  OpenFlight* Joined(const std::string& key);
  void LearnTags(const OpenFlight& flight, const Tags& named, const Entry& entry);
  void CheckStored(const OpenFlight& flight, const WrittenValue& value, bool stored, bool refused,
                   const Effect& before);
  Result<Computed> Load(const Step& step, std::uint64_t id, Told& told);
  Effect Loaded(const Step& step, const ReadSpec& read, const Told& told, const Stats& before,
                std::size_t pending, const Result<Entry>& entry, Effect effect);
  std::optional<std::uint64_t> ChooseFlight(const Step& step) const;
  void EndFlight(std::uint64_t id);
  void LeaveTable(std::uint64_t id);
  void NoteNumber(Instant instant, std::uint64_t number);
  void Fail(const std::string& what);
  void Note(const std::string& what);
  bool SyncsPuts() const { return options_.durability == Durability::kSync; }
  TimePoint now() { return cache_.clock().Wall(); }
  Duration since_boot() { return cache_.clock().SinceBoot(); }
  Options EngineOptions();
  CacheInternals Internals();

  const ModelOptions options_;
  std::deque<std::function<void()>> work_;  // given to the executor
  std::deque<PendingWrite> writes_;
  std::uint64_t committing_ = 0;  // the flight of which a write may be put off
  bool refuse_work_ = false;
  bool losing_ = false;  // the cache is gone: what was given to the executor comes too late
  Told computed_;        // by what the executor runs
  CrashableCache cache_;
  CacheOracle oracle_;
  ModelResult result_;

  std::map<std::uint64_t, OpenFlight> flights_;  // those that ended, too
  std::map<std::string, std::uint64_t> table_;   // key to the flight that a miss joins
  std::vector<Follower> followers_;
  std::vector<Lease> late_leases_;  // of caches closed since
  std::map<std::string, std::uint64_t> last_numbers_;
  std::uint64_t next_flight_ = 1;
  std::deque<ExportedEntry> exported_;
  std::deque<SavedCache> backups_;
  std::uint64_t next_serial_ = 1;
  // Which ledger this one descends from, and which backups its rows: with how many had been removed
  // when they were made.
  std::uint64_t lineage_ = 0;
  std::map<std::uint64_t, std::uint64_t> descent_;
  std::uint64_t lineages_ = 0;
  std::uint64_t removals_ = 0;
  std::uint64_t ledgers_lost_ = 0;
  std::optional<ArmedCrash> armed_;
};

// Runs what the seed says. On a finding, takes out steps as long as it stays a finding.
ModelResult RunModel(std::uint64_t seed, std::size_t steps);
ModelResult RunModel(const ModelOptions& options, const std::vector<Step>& schedule);
std::vector<Step> Shrink(const ModelOptions& options, std::vector<Step> schedule);

}  // namespace larder::testing
