// Cache: a persistent map from an opaque key to an immutable entry. Start here.
//
// The engine stores bytes. It knows nothing of prompts, models, JSON or HTTP; a caller turns a
// request into a key and an answer into bytes (see client/).
//
//   Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = "/var/cache/answers"});
//   Result<Entry> entry = (*cache)->GetOrCompute("key", {}, [] { return Computed{"value"}; });
//
// What it promises (P1 to P8) is written down, with what proves it, in docs/internals.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "larder/backup.h"
#include "larder/dictionary_info.h"
#include "larder/entry.h"
#include "larder/explanation.h"
#include "larder/flight.h"
#include "larder/health.h"
#include "larder/invalidation.h"
#include "larder/options.h"
#include "larder/result.h"
#include "larder/scan.h"
#include "larder/stats.h"
#include "larder/transfer.h"

namespace larder {

struct Hit {
  Entry entry;
  bool stale = false;  // past fresh_until; only if the ReadOptions allowed it
};

// A stale hit to be used now, and the duty to compute its successor. Only one caller at a time gets
// one; the others get the same entry as a Hit. Dropping the lease leaves the duty to the next.
struct StaleHit {
  Hit hit;
  Lease lease;
};

// You have it; or you compute it; or another computes it. The fourth only for reads that accept
// StaleWindow::kWhileRevalidate: you have it, and you compute it anew.
using Acquired = std::variant<Hit, Lease, Flight, StaleHit>;

struct Computed {
  std::string body;
  WriteOptions options = {};
};
using Loader = std::function<Result<Computed>()>;

// How far Compact has come; the total is what there was when it began.
struct CompactStep {
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
};
using CompactProgress = std::function<void(const CompactStep&)>;

struct PutRequest {
  std::string_view key;  // key and body: must live until the call returns
  std::string_view body;
  WriteOptions options = {};
};

// Thread-safe: any member may be called from any thread, without outside locking. All calls may
// block on the disk unless they say otherwise. Keys are 1 to 1024 bytes; a longer or an empty one
// is kInvalidArgument, or, where there is no status, a miss that is not stored. No call throws: for
// want of memory, too, reads are misses and all else is kInternal.
class Cache {
 public:
  // Opens, or creates, the cache in `options.directory`. If the disk is full or fails where the
  // store lies, there is a cache all the same: every call is a miss until the store has come back
  // by itself (GetHealth).
  // Errors: kInvalidArgument (options out of range), kUnavailable (another process holds the
  // directory, or it, the state or the invalidations cannot be read), kDataLoss (unreadable, and
  // on_corruption is kFail).
  static Result<std::unique_ptr<Cache>> Open(const Options& options);
  virtual ~Cache() = default;

  // The primitive under all others. Never fails: with a broken store every caller gets a lease
  // or a flight, and nothing is stored.
  virtual Acquired Acquire(std::string_view key, const ReadOptions& options = {}) = 0;

  // Acquire where what is in memory (filters of keys among it) tells enough; nullopt: only the disk
  // could tell, or the entry is so large that to decompress it takes time. Never touches the disk.
  // For event loops, before Acquire on another thread.
  virtual std::optional<Acquired> AcquireInMemory(std::string_view key,
                                                  const ReadOptions& options = {}) = 0;

  // The entry if it is in memory and valid. Never touches the disk; nullopt says nothing about
  // the disk and is not counted as a miss. For event loops.
  virtual std::optional<Hit> GetInMemory(std::string_view key, const ReadOptions& options = {}) = 0;

  // The live entry for `key`, or nullopt. Expired, invalidated, evicted, corrupt: all are misses.
  virtual std::optional<Hit> Get(std::string_view key, const ReadOptions& options = {}) = 0;

  // As Get, but leaves no trace: counts nothing, promotes nothing in memory, fills no cache.
  virtual std::optional<Hit> Peek(std::string_view key, const ReadOptions& options = {}) = 0;

  // Get for each key, in their order, with one pass over the store for those not in memory.
  virtual std::vector<std::optional<Hit>> MultiGet(std::span<const std::string_view> keys,
                                                   const ReadOptions& options = {}) = 0;

  // The entry, or what `loader` computes; of any number of concurrent callers one runs its loader
  // and all share the outcome. An error of the loader goes to all of them and is not stored; an
  // exception becomes kInternal with its type only.
  // - If there is a stale entry within its stale-while-revalidate window, and an executor, that is
  //   returned at once, and one caller's loader runs on Options::executor to replace it: the
  //   loader must own what it uses, as it may run after this returned.
  // - It returns before the value is written, which a thread of the cache does
  //   (Lease::CommitInBackground); Sync and Close wait for that, once this call has returned.
  // - If computing fails, a stale entry within its stale-if-error window is returned instead of the
  //   error; not if this caller gives up waiting.
  // Blocks while another computes, at most
  // `options.max_wait` (kDeadlineExceeded) and until `options.stop` (kCancelled); a loader that
  // asks for its own key waits for itself.
  virtual Result<Entry> GetOrCompute(std::string_view key, const ReadOptions& options,
                                     const Loader& loader) = 0;

  // Stores a value that counts as computed now. Durable as Options::durability says.
  // Errors: kInvalidArgument (key, tags, metadata), kResourceExhausted (body over
  // max_body_bytes), kUnavailable (the store failed; nothing is half written).
  virtual Result<PutOutcome> Put(std::string_view key, std::string_view body,
                                 const WriteOptions& options = {}) = 0;

  // Put for each, in their order, with one write (and one sync, if so configured) for many of them.
  // One outcome each; each stands by itself: a crash may keep some of them.
  virtual std::vector<Result<PutOutcome>> MultiPut(std::span<const PutRequest> puts) = 0;

  // Gives the live entry of `key`, fresh or stale, a new lifetime: it is fresh for `ttl` from now
  // on (kForever: does not expire), and stale after that for as long as it was written with.
  // Nothing else changes: it keeps its number, so what was invalidated, or is computed meanwhile,
  // is neither revived nor overtaken. Durable as a put. Errors: kNotFound (absent, expired,
  // invalidated or removed: it stays so), kInvalidArgument, kUnavailable, kResourceExhausted (the
  // store is behind with its merges).
  virtual Status Touch(std::string_view key, Duration ttl) = 0;

  // Makes `key` a miss until it is written anew, also for values being computed now. Survives loss
  // of power once acknowledged. Ok whether or not there was an entry.
  // Errors: kInvalidArgument, kUnavailable (not acknowledged: it may or may not hold).
  virtual Status Remove(std::string_view key) = 0;

  // Makes every covered entry a miss (a soft one: stale), and every value whose computation began
  // before this call. Costs one small synced write, however many entries it covers. Returns its
  // number. When there are more than 1,000 prefixes (a million tags), the oldest give way to an
  // invalidation of all that is older: too much, never too little.
  // Errors: kInvalidArgument; kUnavailable (holds in memory, but not yet on disk).
  virtual Result<std::uint64_t> Invalidate(const Invalidation& what) = 0;

  // Several at one instant, under one number, in one write: the cost of one.
  virtual Result<std::uint64_t> MultiInvalidate(std::span<const Invalidation> what) = 0;

  // The live entries, fresh and stale, page by page in the order of their keys; counts nothing and
  // fills nothing. What is written while the pages are read may be in them or not.
  // Errors: kInvalidArgument (options), kUnavailable, kDataLoss (damage that hides rows: they
  // cannot be listed past it).
  virtual Result<ScanPage> Scan(const ScanOptions& options) = 0;

  // Why a read of `key` with these tags finds what it finds, as far as can be known. Looks at the
  // row on disk; leaves no trace.
  virtual Explanation Explain(std::string_view key, const ReadOptions& options = {}) = 0;

  // Makes every acknowledged put survive loss of power.
  virtual Status Sync() = 0;

  // Rewrites the whole store, leaving out what is expired, invalidated or removed. Slow; calls go
  // on meanwhile. Evicts nothing. Calls `progress` between two pieces, on this thread. Errors:
  // kUnavailable, kResourceExhausted (no room within max_disk_bytes for a piece, for a minute).
  virtual Status Compact(const CompactProgress& progress = {}) = 0;

  // Oldest first. Errors: kUnavailable.
  virtual Result<std::vector<DictionaryInfo>> Dictionaries() = 0;
  // Trains a dictionary now, from what was stored since opening and from rows of the store, and
  // uses it from then on if it pays. The cache does so by itself after a thousand puts, and
  // whenever as many again were made. Takes seconds. Errors: kInvalidArgument (dictionaries are
  // off), kUnavailable, kDataLoss.
  virtual Result<DictionaryTraining> TrainDictionary() = 0;

  // Changes options without reopening: all of `change`, or nothing. A smaller disk budget holds
  // from now on for what is written; what is there is evicted down to it in the background, and
  // values are refused until there is room. Errors: kInvalidArgument, kUnavailable (closed).
  virtual Status Change(const OptionsChange& change) = 0;

  // Copies the cache, while it is in use, into `options.directory`, beside earlier backups: only
  // what has changed since. See backup.h for what a backup knows, and Restore. Slow.
  // Errors: kInvalidArgument, kUnavailable (the directory is held, the store is not serving, I/O),
  // kResourceExhausted (no space there), kDataLoss. After an error the earlier backups stand.
  virtual Result<BackupInfo> Backup(const BackupOptions& options) = 0;

  // Hands over every live entry, fresh or stale, in the order of their keys; entries written
  // meanwhile may be among them. Returns how many. Errors: kUnavailable, or what `sink` returned.
  virtual Result<std::uint64_t> Export(const ExportSink& sink) = 0;
  // Stores what `source` gives, each as if put now but with the times it had: an entry lives no
  // longer than it would have, and what was computed before an invalidation here stays invalid.
  // What is expired, invalid, or no newer than what is here, is skipped and counted. Errors:
  // kUnavailable, or what `source` returned; what was stored before stays.
  virtual Result<ImportReport> Import(const ImportSource& source) = 0;

  // Abandons open leases with kCancelled, saves state and closes the store. Later calls are
  // misses and kUnavailable. Called by the destructor. Idempotent. Waits at most 10 s for a disk
  // that hangs: then kUnavailable, and the files are closed, and the directory is free for the
  // next, when the disk answers.
  virtual Status Close() = 0;

  // Neither waits for the disk.
  virtual Stats GetStats() const = 0;
  virtual Health GetHealth() const = 0;
  // The cache's own time, which entries' times refer to. Does not block.
  virtual TimePoint Now() const = 0;
  // 32 random bytes made with the store and kept with it, for callers that derive keyed hashes.
  // Whoever can read the directory can read them.
  virtual std::string_view StoreSecret() const = 0;
};

}  // namespace larder
