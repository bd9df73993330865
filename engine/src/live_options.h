// LiveOptions: those of Options that may change while the cache is open.
#pragma once

#include <atomic>

#include "larder/options.h"

namespace larder {

// Thread-safe, each by itself.
struct LiveOptions {
  explicit LiveOptions(const Options& options) { Set(options); }
  void Set(const Options& options) {
    default_ttl = options.default_ttl;
    ttl_jitter = options.ttl_jitter;
    stale_while_revalidate = options.stale_while_revalidate;
    stale_if_error = options.stale_if_error;
    negative_ttl = options.negative_ttl;
  }
  // `options` with what is live as it is now.
  Options In(Options options) const {
    options.default_ttl = default_ttl;
    options.ttl_jitter = ttl_jitter;
    options.stale_while_revalidate = stale_while_revalidate;
    options.stale_if_error = stale_if_error;
    options.negative_ttl = negative_ttl;
    return options;
  }

  std::atomic<Duration> default_ttl;
  std::atomic<double> ttl_jitter;
  std::atomic<Duration> stale_while_revalidate;
  std::atomic<Duration> stale_if_error;
  std::atomic<Duration> negative_ttl;
};

}  // namespace larder
