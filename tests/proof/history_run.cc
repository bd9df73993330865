#include "history_run.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "cache_core.h"
#include "larder/cache.h"
#include "tmpfs_dir.h"

namespace larder::testing {
namespace {

constexpr std::uint64_t kKeys = 4;
constexpr std::uint64_t kTags = 3;

// A thread that does what it is given, in order; the destructor waits until all is done.
class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}
  ~Worker() {
    Do(nullptr);
    thread_.join();
  }
  // Null: the last one.
  void Do(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    }
    came_.notify_one();
  }

 private:
  void Run() {
    while (true) {
      std::unique_lock lock(mutex_);
      came_.wait(lock, [this] { return !work_.empty(); });
      const std::function<void()> work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      if (work == nullptr) return;
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> work_;
  std::thread thread_;
};

// What became of a commit, also one that is written later.
struct Written {
  std::atomic<Stamp> at{0};
  std::atomic<bool> stored{false};
};

struct Shared {
  Cache& cache;
  std::atomic<Stamp> clock{1};
  std::atomic<std::uint64_t> next_id{1};
  Stamp Now() { return clock.fetch_add(1); }
};

class Actor {
 public:
  Actor(Shared& shared, std::uint64_t seed) : shared_(shared), random_(seed) {}

  void Run(unsigned operations) {
    for (unsigned i = 0; i < operations; ++i) {
      key_ = "key " + std::to_string(random_() % kKeys);
      Act(random_() % 100);
    }
    if (open_.has_value()) Commit();
    // Every leader has ended by now, or will without us.
    for (Following& following : followings_) {
      Reached(following.read, following.flight.Wait());
    }
  }
  // When all is written.
  ThreadHistory TakeHistory() {
    for (const auto& [index, written] : written_) {
      Computation& computation = history_.computations[index];
      computation.stored = written->stored;
      if (computation.stored) computation.ended.end = written->at;
    }
    return std::move(history_);
  }

 private:
  struct OpenLease {
    Lease lease;
    Computation computation;
  };
  struct Following {
    Flight flight;
    ReadValue read;
  };

  void Act(std::uint64_t dice) {
    if (dice < 28) return Get();
    if (dice < 30) return GetAll();
    if (dice < 32) return Scan();
    if (dice < 35) return Touch();
    if (dice < 55) return Acquire();
    if (dice < 70) return Commit();
    if (dice < 78) return Put();
    if (dice < 80) return PutAll();
    if (dice < 85) return Remove();
    if (dice < 99 || random_() % 8 != 0) return Invalidate();
    static_cast<void>(shared_.cache.Compact());
  }

  Tags SomeTags(unsigned one_in) {
    Tags tags;
    for (std::uint64_t i = 0; i < kTags; ++i) {
      if (random_() % one_in == 0) tags.insert("tag " + std::to_string(i));
    }
    return tags;
  }
  static std::vector<std::string> AsVector(const Tags& tags) { return {tags.begin(), tags.end()}; }

  void NoteHit(ReadValue read, const Entry& entry) {
    read.id = IdOfBody(entry.body());
    history_.reads.push_back(std::move(read));
  }

  void Get() {
    ReadValue read{.key = key_, .tags = SomeTags(6)};
    const std::uint64_t way = random_() % 5;
    const ReadOptions options{.tags = AsVector(read.tags)};
    read.how = way == 0 ? "get in memory" : way == 1 ? "peek" : "get";
    read.span.call = shared_.Now();
    const std::optional<Hit> hit = way == 0   ? shared_.cache.GetInMemory(key_, options)
                                   : way == 1 ? shared_.cache.Peek(key_, options)
                                              : shared_.cache.Get(key_, options);
    read.span.end = shared_.Now();
    if (hit.has_value()) return NoteHit(std::move(read), hit->entry);
    ++history_.misses;
  }

  void GetAll() {
    std::vector<std::string> keys;
    for (std::uint64_t i = 0; i < kKeys; ++i) keys.push_back("key " + std::to_string(i));
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    ReadValue read{.tags = SomeTags(6), .how = "get all"};
    read.span.call = shared_.Now();
    const std::vector<std::optional<Hit>> hits =
        shared_.cache.MultiGet(views, {.tags = AsVector(read.tags)});
    read.span.end = shared_.Now();
    for (std::size_t i = 0; i < hits.size(); ++i) {
      read.key = keys[i];
      if (hits[i].has_value()) NoteHit(read, hits[i]->entry);
    }
  }

  void Scan() {
    ReadValue read{.how = "scan"};
    read.span.call = shared_.Now();
    const Result<ScanPage> page = shared_.cache.Scan({.bodies = true});
    read.span.end = shared_.Now();
    if (!page.ok()) return;
    for (const ScanItem& item : page->items) {
      read.key = item.key;
      NoteHit(read, item.entry);
    }
  }

  // Must revive nothing; what it does to times is no matter here.
  void Touch() { static_cast<void>(shared_.cache.Touch(key_, std::chrono::hours(2))); }

  // One lease a thread at most; what is followed is looked at when it has ended.
  void Acquire() {
    LookAtFollowings();
    if (open_.has_value()) return;
    ReadValue read{.key = key_, .tags = SomeTags(6)};
    const bool refresh = random_() % 10 == 0;
    const ReadOptions options{.tags = AsVector(read.tags), .newer_than = refresh ? kRefresh : 0};
    read.span.call = shared_.Now();
    Acquired acquired = shared_.cache.Acquire(key_, options);
    read.span.end = shared_.Now();
    read.how = "acquire";
    if (const Hit* hit = std::get_if<Hit>(&acquired)) return NoteHit(std::move(read), hit->entry);
    ++history_.misses;
    if (Flight* flight = std::get_if<Flight>(&acquired)) {
      read.followed = true;
      followings_.push_back({std::move(*flight), std::move(read)});
      return;
    }
    auto& lease = std::get<Lease>(acquired);
    Computation computation{.id = shared_.next_id.fetch_add(1),
                            .key = key_,
                            .tags = read.tags,
                            .began = read.span,
                            .leased = true,
                            .led = !refresh,
                            .number = lease.number()};
    open_.emplace(OpenLease{std::move(lease), std::move(computation)});
  }

  void LookAtFollowings() {
    std::erase_if(followings_, [this](Following& following) {
      FlightEnd end = following.flight.Wait(Duration::zero());
      if (end.status.code() == StatusCode::kDeadlineExceeded) return false;
      Reached(following.read, std::move(end));
      return true;
    });
  }
  void Reached(const ReadValue& read, const FlightEnd& end) {
    if (end.entry.has_value()) NoteHit(read, *end.entry);
  }

  void Commit() {
    if (!open_.has_value()) return;
    Computation& computation = open_->computation;
    const Tags named = SomeTags(4);
    computation.ended.call = shared_.Now();
    if (random_() % 8 == 0) {
      open_->lease.Abandon({StatusCode::kUnavailable, "the upstream failed"});
      computation.led = false;  // nobody says which tags its followers had
    } else {
      const std::string body = MakeBody(computation.id, random_() % 2000);
      const WriteOptions options{.tags = AsVector(named)};
      const auto written = std::make_shared<Written>();
      open_->lease.Follow().OnWritten([written, &shared = shared_](PutOutcome outcome) {
        written->at = shared.Now();
        written->stored = outcome == PutOutcome::kStored;
      });
      const Entry entry = random_() % 2 == 0 ? open_->lease.CommitInBackground(body, options)
                                             : open_->lease.Commit(body, options).entry;
      for (const std::string_view tag : entry.tags()) computation.tags.emplace(tag);
      written_.emplace_back(history_.computations.size(), written);
    }
    computation.ended.end = shared_.Now();
    history_.computations.push_back(std::move(computation));
    open_.reset();
  }

  void Put() {
    Computation computation{
        .id = shared_.next_id.fetch_add(1), .key = key_, .tags = SomeTags(4), .stored = true};
    const std::string body = MakeBody(computation.id, random_() % 2000);
    computation.began.call = shared_.Now();
    const Result<PutOutcome> outcome =
        shared_.cache.Put(key_, body, {.tags = AsVector(computation.tags)});
    computation.began.end = shared_.Now();
    computation.ended = computation.began;
    computation.stored = outcome.ok() && *outcome == PutOutcome::kStored;
    history_.computations.push_back(std::move(computation));
  }

  // Two keys at once.
  void PutAll() {
    std::vector<Computation> computations;
    std::vector<std::string> bodies;
    std::vector<PutRequest> puts;
    for (std::uint64_t i = 0; i < 2; ++i) {
      computations.push_back({.id = shared_.next_id.fetch_add(1),
                              .key = "key " + std::to_string(2 * (random_() % 2) + i),
                              .tags = SomeTags(4)});
      bodies.push_back(MakeBody(computations[i].id, random_() % 2000));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      puts.push_back({.key = computations[i].key,
                      .body = bodies[i],
                      .options = {.tags = AsVector(computations[i].tags)}});
    }
    const Stamp call = shared_.Now();
    const std::vector<Result<PutOutcome>> outcomes = shared_.cache.MultiPut(puts);
    const Span span{.call = call, .end = shared_.Now()};
    for (std::size_t i = 0; i < 2; ++i) {
      computations[i].began = computations[i].ended = span;
      computations[i].stored = outcomes[i].ok() && *outcomes[i] == PutOutcome::kStored;
      history_.computations.push_back(std::move(computations[i]));
    }
  }

  void Remove() {
    Covering covering{.key = key_};
    covering.span.call = shared_.Now();
    const bool acknowledged = shared_.cache.Remove(key_).ok();
    covering.span.end = acknowledged ? shared_.Now() : UINT64_MAX;
    history_.coverings.push_back(std::move(covering));
  }

  void Invalidate() {
    Covering covering{.tags = SomeTags(2), .all = random_() % 12 == 0};
    if (random_() % 6 == 0) covering.prefix = random_() % 4 == 0 ? "key " : key_;
    if (covering.tags.empty() && covering.prefix.empty() && !covering.all) return;
    if (covering.all) covering.tags.clear();
    if (covering.all) covering.prefix.clear();
    Invalidation what{.tags = AsVector(covering.tags), .all = covering.all};
    if (!covering.prefix.empty()) what.prefixes = {covering.prefix};
    covering.span.call = shared_.Now();
    const Result<std::uint64_t> number = shared_.cache.Invalidate(what);
    covering.span.end = number.ok() ? shared_.Now() : UINT64_MAX;
    if (number.ok()) covering.number = *number;
    history_.coverings.push_back(std::move(covering));
  }

  Shared& shared_;
  std::mt19937_64 random_;
  std::string key_;
  std::optional<OpenLease> open_;
  std::vector<Following> followings_;
  std::vector<std::pair<std::size_t, std::shared_ptr<Written>>> written_;  // of which computation
  ThreadHistory history_;
};

}  // namespace

HistoryVerdict RunHistory(const HistoryOptions& options) {
  std::mt19937_64 random(options.seed);
  TmpfsDir dir;
  Options engine;
  engine.directory = dir / "cache";
  engine.max_memory_bytes = std::uint64_t{32} << 20;
  engine.compression.level = 1;
  CacheInternals internals;
  internals.hot_tier = random() % 4 != 0;
  internals.write_buffer_bytes = std::uint64_t{64} << 10;
  internals.close_patience = std::chrono::hours(1);  // the machine may be busy
  internals.journal_room = 1 + random() % 64;
  if (random() % 3 == 0) internals.ledger_tags = 2;
  std::optional<Worker> worker;
  if (random() % 2 == 0) {
    worker.emplace();
    engine.executor = [&worker](std::function<void()> work) { worker->Do(std::move(work)); };
  }
  Result<std::unique_ptr<Cache>> cache = OpenCache(engine, internals);
  if (!cache.ok()) return {.findings = {cache.status().ToString()}};

  Shared shared{.cache = **cache};
  std::vector<Actor> actors;
  for (unsigned i = 0; i < options.threads; ++i) actors.emplace_back(shared, random());
  std::vector<std::thread> threads;
  for (Actor& actor : actors) {
    threads.emplace_back([&actor, &options] { actor.Run(options.operations); });
  }
  for (std::thread& thread : threads) thread.join();
  static_cast<void>((*cache)->Sync());  // all that was committed is written
  worker.reset();
  std::vector<ThreadHistory> histories;
  for (Actor& actor : actors) histories.push_back(actor.TakeHistory());
  return CheckHistory(histories, internals.ledger_tags != 0);
}

}  // namespace larder::testing
