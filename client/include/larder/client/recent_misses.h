// RecentMisses: the latest misses of each isolation scope, as hashes, so that one which nearly was
// a hit can be told, and by which field it was not.
//
//   for (const NearMiss& miss : misses->Near(20)) ... miss.differing  // {"/temperature"}
//
// What a request said is not kept: of each of its fields there is the name and a hash, keyed with
// the store's secret and the scope. Requests are compared within their scope, provider and path
// only. In memory alone: a process begins without any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "larder/clock.h"

namespace larder::client {

struct NearMiss {
  std::string key;      // 64 hex digits
  std::string nearest;  // the key of the earlier request that it is nearest to
  std::string provider;
  std::string path;  // without query
  TimePoint missed{};
  TimePoint nearest_missed{};
  // Where they differ, at most kMostDifferences places: "path" (in its query), "namespace",
  // "sample", "header NAME", "Larder-Key", and parts of the body: JSON pointers, last
  // ("/temperature"), or "after" the last element of a long list that was looked at alone.
  std::vector<std::string> differing;
};

// Thread-safe. Shared by all stacks of a process (StackParts::recent_misses).
class RecentMisses {
 public:
  // Of all scopes together. Past that, the scope that has the most loses its oldest, so that a busy
  // one does not push out the others; where none has more than its fair share, the oldest of all
  // goes.
  static constexpr std::size_t kMaxRecords = 1024;
  static constexpr std::size_t kFairShare = 16;
  // More than that, and it is another request.
  static constexpr std::size_t kMostDifferences = 3;
  // Of a request: a larger one is not looked at, nor one with a longer path.
  static constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxPathBytes = 256;
  // Of bodies that wait for being hashed: a miss beyond is not noted, rather than waited for.
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{8} << 20;
  // Of misses that are noted within one second: at a higher rate all would push each other out
  // before anybody looks, and hashing them would take the processor from those on their way.
  static constexpr int kMaxNotesASecond = 100;

  struct Request {
    std::string key;
    std::string provider;
    std::string method;
    std::string path;
    TimePoint missed{};
    // Nothing was there under its key. Else it is no near miss, but one that others may be near to.
    bool was_absent = true;
    std::string traits;  // as EncodeTraits() writes them
  };
  // A key that is known in its scope is only kept for longer.
  void Add(const std::string& scope, Request request);

  // The near misses, the latest first, each with the nearest of the requests before it. Compares
  // all that is kept, without holding up Add(): half a second at worst.
  std::vector<NearMiss> Near(std::size_t limit) const;

  // Room for a body that waits, until what is returned is dropped; null: there is none, or enough
  // are noted in this second. This object must outlive it.
  std::shared_ptr<void> Reserve(std::size_t bytes, TimePoint now);

 private:
  struct Record {
    Request request;
    std::uint64_t number = 0;  // in the order of their first misses
  };
  using Records = std::deque<std::shared_ptr<const Record>>;  // the latest last

  void DropOne();  // under mutex_

  std::atomic<std::size_t> waiting_bytes_ = 0;
  std::atomic<Duration::rep> second_ = 0;
  std::atomic<int> noted_in_second_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Records> scopes_;  // guarded by mutex_, as all below
  std::size_t records_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace larder::client
