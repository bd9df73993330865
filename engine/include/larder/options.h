// Options of a Cache and of its single operations, by the names that config.json uses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "larder/clock.h"
#include "larder/status.h"

namespace larder {

class CacheGroup;
class Observer;

// Limits that no option lifts.
inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxTags = 128;  // of one read or write
inline constexpr std::size_t kMaxTagBytes = 512;
inline constexpr std::size_t kMaxMetadataBytes = 4096;

enum class Durability {
  kProcess,  // an acknowledged put survives the death of the process
  kSync,     // ... and loss of power, at the price of one sync a put
};

enum class OnCorruption {
  kQuarantine,  // a store that cannot be opened is moved to quarantine/, the cache starts empty
  kFail,        // Open fails with kDataLoss
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };

enum class DictionaryMode {
  kAuto,  // trained from what is stored, adopted where it makes bodies at least 5 % smaller
  kOff,   // none is trained or used for writing; what was stored with one can still be read
};

struct CompressionOptions {
  // Level of zstd, 1 to 19; 0 stores bytes as they are.
  int level = 3;
  DictionaryMode dictionary = DictionaryMode::kAuto;
};

struct Options {
  // Created if missing, mode 0700. One process at a time; `fork` without `exec` is unsupported.
  std::string directory = {};
  // Budget for the directory, at least 256 MiB.
  std::uint64_t max_disk_bytes = std::uint64_t{10} << 30;
  // Budget for all that is kept in memory, at least 32 MiB: hot tier, block cache (with indexes and
  // filters), write buffers, ledger, counters, samples. What is beside it (values on their way,
  // merges, the allocator's slack) takes at most 64 MiB more.
  std::uint64_t max_memory_bytes = std::uint64_t{256} << 20;
  // Largest body stored; a larger one is handed to its callers and not stored.
  std::uint64_t max_body_bytes = std::uint64_t{64} << 20;

  // Lifetime of an entry whose writer names none. 0 = not stored, kForever = no expiry.
  Duration default_ttl = std::chrono::hours(24);
  // Shortens default_ttl by up to this share (0 to 0.5), as a function of the key, so that
  // entries written together do not expire together.
  double ttl_jitter = 0;
  // How long past its freshness an entry may be served while it is computed anew / when the
  // computation fails. Hard expiry is fresh-until plus the larger of the two.
  Duration stale_while_revalidate{0};
  Duration stale_if_error{0};
  // Lifetime of a negative entry whose writer names none; at most 5 minutes. 0 = not stored.
  Duration negative_ttl{0};

  Durability durability = Durability::kProcess;
  OnCorruption on_corruption = OnCorruption::kQuarantine;
  CompressionOptions compression = {};

  // Not owned; must outlive the Cache and its leases. Null = Clock::System().
  const Clock* clock = nullptr;
  // One line a call, from any thread, one at a time; no other thread waits for it. Never with a key
  // or a body. It must not close the cache. Null = silent.
  std::function<void(LogLevel, std::string_view)> log = {};
  // Runs callbacks of flights, each exactly once; if it throws, they run at once. Null = on the
  // thread that ends the flight; then they must not block. Runs loaders in the background, too
  // (GetOrCompute); if it throws, or is null, there are no such.
  std::function<void(std::function<void()>)> executor = {};

  // Shares block cache and write buffers with other caches (cache_group.h); then max_memory_bytes
  // is for the rest alone. Null: its own.
  std::shared_ptr<CacheGroup> group = {};

  // Is told what the cache does (observer.h). Not owned; must outlive the Cache and its leases.
  Observer* observer = nullptr;

  // Ok, or kInvalidArgument naming the option, its value and what is allowed.
  Status Validate() const;
};

// What Cache::Change changes; unset = as it is. Names and limits are those of Options.
struct OptionsChange {
  std::optional<std::uint64_t> max_disk_bytes = {};
  std::optional<std::uint64_t> max_memory_bytes = {};
  // Of what is stored from now on.
  std::optional<int> compression_level = {};
  std::optional<Duration> default_ttl = {};
  std::optional<double> ttl_jitter = {};
  std::optional<Duration> stale_while_revalidate = {};
  std::optional<Duration> stale_if_error = {};
  std::optional<Duration> negative_ttl = {};
};

// Which of an entry's own windows a read accepts, once its freshness has ended.
enum class StaleWindow {
  kNone,
  kWhileRevalidate,  // it is being, or about to be, computed anew
  kIfError,          // computing it anew has failed
};

struct ReadOptions {
  // Besides its own tags, none of these may have been invalidated since the entry's computation
  // began. A lease or flight that this read starts or joins stores its entry with them too.
  std::vector<std::string> tags = {};
  // An older entry is a miss (age counts from the completion of the computation).
  std::optional<Duration> max_age = {};
  // Accept an entry up to this long after its freshness ended, within its hard expiry.
  Duration max_stale{0};
  // Accept it also within this window of its own. Acquire with kWhileRevalidate sees to it that
  // somebody computes it anew (StaleHit). GetOrCompute chooses by itself.
  StaleWindow stale_window = StaleWindow::kNone;
  // Entries and flights whose number is not greater than this are passed over, so that the
  // caller gets a value whose computation began after the one it names. kRefresh passes over
  // all that began before this call.
  std::uint64_t newer_than = 0;
  // GetOrCompute waits at most so long in all for other callers' computations.
  Duration max_wait = kForever;
  // Ends GetOrCompute's waiting with kCancelled; a loader that runs is not stopped by it.
  std::stop_token stop = {};
  // A lease that this read is given must end within this. If it does not, its followers are told
  // to acquire again (kDeadlineExceeded) and the next caller computes; a late commit still
  // stores what is not superseded.
  Duration lease_timeout = kForever;
};
inline constexpr std::uint64_t kRefresh = UINT64_MAX;

struct WriteOptions {
  // Lifetime, without jitter. Unset = Options::default_ttl (negative_ttl, if negative). 0 = not
  // stored, only handed over to the flight's followers. kForever = no expiry.
  std::optional<Duration> ttl = {};
  // Unset = as in Options; 0 if negative.
  std::optional<Duration> stale_while_revalidate = {};
  std::optional<Duration> stale_if_error = {};
  // At most kMaxTags, of 1 to kMaxTagBytes bytes each.
  std::vector<std::string> tags = {};
  // What computing the value cost, in millionths of a US dollar; 0 = not known.
  std::uint64_t cost_microusd = 0;
  // How long computing it took. Unset = since the lease was given out.
  std::optional<Duration> compute_time = {};
  // The value is a failure worth remembering for a while. All rules are those of any other entry;
  // only Entry::negative tells it apart.
  bool negative = false;
  // Opaque to the cache, at most 4 KiB, readable without decompressing the body.
  std::string metadata = {};
};

}  // namespace larder
