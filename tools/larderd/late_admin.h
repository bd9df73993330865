// LateAdmin: the admin API on its unix socket, as soon as that can be bound.
//
// The socket lies where the cache does, as a rule, and so on a disk that may fail or hang: then
// requests are answered without it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "larder/admin/admin_server.h"
#include "larder/cache.h"
#include "larder/result.h"
#include "log.h"

namespace larder::gateway {

class LateAdmin {
 public:
  // `cache` and `log` must outlive it. Returns when it is served, or cannot be yet, or after about
  // a second. Errors: kInvalidArgument (a mistake in its name; no fault of a disk is taken for
  // one).
  static Result<std::unique_ptr<LateAdmin>> Start(Cache& cache, admin::AdminOptions options,
                                                  Log& log);
  // Waits for running requests, and for the disk.
  ~LateAdmin();

 private:
  LateAdmin(Cache& cache, admin::AdminOptions options, Log& log)
      : cache_(cache), options_(std::move(options)), log_(log) {}

  void Run();

  Cache& cache_;
  const admin::AdminOptions options_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stop_ = false;
  std::optional<Status> first_;  // what came of the first attempt
  std::unique_ptr<admin::AdminServer> server_;
  std::thread thread_;  // ends when it is served
};

}  // namespace larder::gateway
