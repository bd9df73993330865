// The page /metrics: all counters of the process in Prometheus' text format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "larder/client/call_limits.h"
#include "larder/client/health_board.h"
#include "larder/stats.h"
#include "request_metrics.h"

namespace larder::gateway {

inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

struct MetricsPage {
  const RequestMetrics& requests;
  std::map<std::string, client::ProviderStats> providers;  // by name
  std::map<std::string, client::CallStats> calls;          // by provider
  std::map<std::string, std::uint64_t> refusals;  // kept from the cache, by reason (refusals.h)
  Stats cache = {};
  std::size_t connections = 0;  // open now
};

// docs/metrics.md lists what is in it.
std::string MetricsText(const MetricsPage& page);

}  // namespace larder::gateway
