// ResponseCache: a cache of answers, where larder::Cache is one of bytes.
//
// It owns the versioned format of what is stored (stored_response.h) and of what travels through a
// flight, and knows nothing of HTTP exchanges or dialects. The caching decorator speaks to this
// interface only, so that a tier shared by several processes can be another implementation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "larder/cache.h"
#include "larder/client/message.h"
#include "larder/result.h"
#include "larder/shared_bytes.h"
#include "stored_response.h"

namespace larder::client {

// An answer from the cache, or from a flight that has ended.
struct CachedResponse {
  StoredResponse info;
  SharedBytes body;
  bool stale = false;
  Duration age{0};
  std::optional<Duration> ttl;  // freshness left, negative when stale; none = does not expire
  Duration stale_while_revalidate{0};  // its own window
  std::uint64_t cost_microusd = 0;
  Duration compute_time{0};
  std::uint64_t number = 0;
};

// How a flight's answer is handed on.
enum class AnswerKind : std::uint8_t {
  kJson,    // a 2xx JSON answer, or any 2xx answer of plain HTTP: in one piece
  kEvents,  // a 2xx event stream
  kOpaque,  // an error, or nothing that we understand: passed on as it is
};

// What a flight's leader asks the upstream for. Known from the flight's start.
struct FlightOpening {
  bool stream = false;
  bool wants_usage = false;  // ... with its usage, which a JSON answer always has
  // Of a batch: a hash of all that is asked for together, so that those who ask for the same share
  // its error as well. 0 else.
  std::uint64_t batch = 0;
  // A hash of the credentials that it is asked with: errors about those are not shared by followers
  // who hold others, as they may where the scope is not that of the credentials.
  std::uint64_t credentials = 0;
};

struct FlightHead {
  AnswerKind kind = AnswerKind::kOpaque;
  int status = 0;
  Headers headers;
};

struct FlightOutcome {
  // Ok: complete. kCancelled: acquire again. Else the error that all followers share.
  Status status;
  // Only where the leader handed over the whole answer.
  std::optional<CachedResponse> response;
};

// A follower's view. Thread-safe; callbacks come once each, from any thread, and must not block.
// "nullopt" from any of the first three: the flight has ended without it.
class ResponseFlight {
 public:
  virtual ~ResponseFlight() = default;
  virtual std::uint64_t number() const = 0;
  // What the lookup that began it found.
  virtual MissReason reason() const = 0;
  virtual void OnOpening(std::function<void(std::optional<FlightOpening>)> callback) const = 0;
  virtual void OnHead(std::function<void(std::optional<FlightHead>)> callback) const = 0;
  // Piece number `index` of the body, as received; an empty one is its proper end, which comes
  // before the flight's.
  virtual void OnBody(std::size_t index,
                      std::function<void(std::optional<SharedBytes>)> callback) const = 0;
  virtual void OnEnd(std::function<void(FlightOutcome)> callback) const = 0;
  // After the flight's end: whether the store has the answer. A store that hangs delays it.
  virtual void OnWritten(std::function<void(bool)> callback) const = 0;
};

// The duty to fetch one answer; dropping it sends its followers away (kCancelled). One thread at a
// time. The order is: opening (by Acquire), AppendHead, AppendBody..., and one of the last three.
class ResponseLease {
 public:
  virtual ~ResponseLease() = default;
  virtual std::shared_ptr<const ResponseFlight> Follow() const = 0;
  virtual void AppendHead(const FlightHead& head) = 0;
  virtual void AppendBody(SharedBytes piece) = 0;  // an empty one, once, at the proper end
  // Calls back once, from any thread, when all who followed have gone and none is left. Before the
  // first Follow().
  virtual void OnDeserted(std::function<void()> callback) = 0;
  // The answer is complete: hands it over, and stores it unless `options.ttl` is 0. May block on
  // the store after the followers have their answer. `options.metadata` is not looked at.
  virtual void Commit(const StoredResponse& response, std::string_view body,
                      const WriteOptions& options) = 0;
  // The answer is complete, but only its pieces are handed over, and nothing is stored.
  virtual void End() = 0;
  virtual void Fail(Status status) = 0;
};

// A stale answer to be used now, and the duty to fetch its successor.
struct StaleResponse {
  CachedResponse hit;
  std::unique_ptr<ResponseLease> lease;
};

// The last only for reads with StaleWindow::kWhileRevalidate.
using ResponseAcquired = std::variant<CachedResponse, std::unique_ptr<ResponseLease>,
                                      std::shared_ptr<const ResponseFlight>, StaleResponse>;

// Thread-safe. What is stored in a format that this version does not know is a miss.
class ResponseCache {
 public:
  virtual ~ResponseCache() = default;
  // Never blocks; nullopt says nothing about what is on disk.
  virtual std::optional<CachedResponse> GetInMemory(std::string_view key,
                                                    const ReadOptions& options) = 0;
  // Never blocks; nullopt: only the disk could tell, so Acquire, on another thread.
  virtual std::optional<ResponseAcquired> AcquireInMemory(std::string_view key,
                                                          const ReadOptions& options,
                                                          const FlightOpening& opening) = 0;
  // The next two may block on the store. Get neither starts nor joins a flight.
  virtual std::optional<CachedResponse> Get(std::string_view key, const ReadOptions& options) = 0;
  virtual ResponseAcquired Acquire(std::string_view key, const ReadOptions& options,
                                   const FlightOpening& opening) = 0;
  // Notes beside the answers, under keys that are none of theirs; without expiry. May block.
  struct Note {
    std::string key;
    std::string text;
  };
  virtual void PutNote(std::string_view key, std::string_view text) = 0;
  // All whose key begins with `prefix`, by key. Errors: as Cache::Scan.
  virtual Result<std::vector<Note>> Notes(std::string_view prefix) = 0;
  // Why the key is a hit or a miss, in a sentence; may block on the store.
  virtual std::string Explain(std::string_view key, const ReadOptions& options) = 0;
  // As Cache::Invalidate.
  virtual Result<std::uint64_t> Invalidate(const std::vector<std::string>& tags) = 0;
  virtual std::string_view StoreSecret() const = 0;
  // The wall clock's time, as the cache takes it.
  virtual TimePoint Now() const = 0;
};

// `cache` must outlive it, and what it gives out.
std::unique_ptr<ResponseCache> MakeResponseCache(Cache& cache);

}  // namespace larder::client
