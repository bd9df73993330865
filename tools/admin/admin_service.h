// AdminService: answers the requests of the admin API from a cache; knows nothing of sockets.
//
//   GET    /v1/version                          {"name", "version"}
//   GET    /v1/stats                            the fields of larder::Stats, and what the process
//                                               adds (AdminOptions::more_stats)
//   GET    /v1/entries?prefix=&tag=&state=&limit=&cursor=          {"entries", "cursor", "corrupt"}
//   GET    /v1/entries/{key}                    what is known of the entry; with
//                                               ?form=stored|json|sse its body
//   PUT    /v1/entries/{key}?ttl=&tag=&cost=    {"key", "stored"}; the body is the value
//   DELETE /v1/entries/{key}                    {"key", "removed": whether there was one}
//   POST   /v1/entries/{key}/touch {"ttl"}      {"key", "touched"}
//   GET    /v1/entries/{key}/explain?tag=       why it is a hit or a miss (explanation_json.h)
//   GET    /v1/misses?limit=                    recent misses that nearly were hits, of a process
//                                               that remembers any (AdminOptions::recent_misses)
//   GET    /v1/export?cursor=, POST /v1/import  entries, a line each (transfer_requests.h)
//   GET    /v1/verify?cursor=, POST /v1/backup                     (store_requests.h)
//   GET, POST /v1/compact                                          (store_requests.h)
//   GET, POST /v1/dictionaries                                     (store_requests.h)
//   POST   /v1/invalidate {"tags": [...]} | {"prefix"} | {"all": true}, "soft": true or not
//                                               the same, and "number"
//   GET    /v1/config, PATCH /v1/config {merge patch}   of a process that has one (AdminConfig)
//   GET    /metrics                             in Prometheus' text format, of a process that has
//                                               any (AdminOptions::metrics)
//   POST   /v1/scope {"target", "headers": [[name, value], ...]}, "dialect" of the provider or not
//                                               {"scope"}
//
// {key}, prefix and cursor are base64url. Reading entries leaves no trace: no hit, no miss. The
// store's secret never leaves: /v1/scope answers with the keyed hash of the credentials in a
// request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "admin_request.h"
#include "larder/admin/admin_server.h"
#include "larder/cache.h"
#include "store_requests.h"

namespace larder::admin {

// Thread-safe; may block on the disk. `cache` must outlive it.
class AdminService {
 public:
  // Of `options` more_stats, metrics, recent_misses and config.
  explicit AdminService(Cache& cache, AdminOptions options = {})
      : cache_(cache), options_(std::move(options)) {}
  AdminAnswer Handle(const AdminRequest& request) const;

 private:
  AdminAnswer Invalidate(const std::string& body) const;
  AdminAnswer Misses(const AdminRequest& request) const;
  AdminAnswer Events(const AdminRequest& request) const;
  AdminAnswer Scope(const std::string& body) const;
  AdminAnswer Config(const AdminRequest& request) const;

  Cache& cache_;
  const AdminOptions options_;
  const std::unique_ptr<CompactionBoard> compaction_ = std::make_unique<CompactionBoard>();
};

}  // namespace larder::admin
