#include "metrics_page.h"

#include <array>
#include <string_view>

#include "metric_families.h"

namespace larder::gateway {
namespace {

double AsDouble(std::uint64_t value) { return static_cast<double>(value); }

void AddRequests(const RequestMetrics& requests, MetricFamilies& out) {
  out.Counter("larder_requests_total", "Requests answered, by endpoint and what the cache did.");
  for (std::size_t i = 0; i < kEndpointLabels.size(); ++i) {
    for (std::size_t j = 0; j < kCacheLabels.size(); ++j) {
      const std::uint64_t count = requests.requests.at(i).at(j);
      const bool shown = count > 0 || kCacheLabels.at(j) == "hit" || kCacheLabels.at(j) == "miss";
      if (!shown) continue;
      out.Add(AsDouble(count),
              {{"endpoint", kEndpointLabels.at(i)}, {"cache", kCacheLabels.at(j)}});
    }
  }
  constexpr std::array<std::string_view, 6> kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  out.Counter("larder_answers_total",
              "Requests by status; none: the caller was gone before there was one.");
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    out.Add(AsDouble(requests.answers.at(i)), {{"status", kClasses.at(i)}});
  }
  out.Counter("larder_turned_away_total",
              "Requests and connections that the gateway refused by itself, by reason.");
  for (std::size_t i = 0; i < kTurnedAwayLabels.size(); ++i) {
    out.Add(AsDouble(requests.turned_away.at(i)), {{"reason", kTurnedAwayLabels.at(i)}});
  }
  out.Gauge("larder_requests_in_flight", "Requests being answered now.");
  out.Add(static_cast<double>(requests.in_flight.load()));
}

// Only what was seen: 19 lines each.
void AddLatencies(const std::array<client::LatencyHistogram, kCacheLabels.size()>& histograms,
                  MetricFamilies& out) {
  for (std::size_t i = 0; i < kCacheLabels.size(); ++i) {
    const client::LatencyCounts counts = histograms.at(i).Read();
    const bool always = kCacheLabels.at(i) == "hit" || kCacheLabels.at(i) == "miss";
    if (always || counts.sum.count() > 0) out.Add(counts, {{"cache", kCacheLabels.at(i)}});
  }
}

void AddProviders(const std::map<std::string, client::ProviderStats>& providers,
                  MetricFamilies& out) {
  struct Column {
    const char* name;
    const char* help;
    std::uint64_t client::ProviderStats::*value;
  };
  using client::ProviderStats;
  constexpr Column kColumns[] = {
      {"larder_upstream_calls_total", "Calls that came past the cache.", &ProviderStats::calls},
      {"larder_upstream_attempts_total", "Requests sent to the provider.",
       &ProviderStats::attempts},
      {"larder_upstream_failed_attempts_total", "Attempts that no answer came to.",
       &ProviderStats::failed_attempts},
      {"larder_upstream_retries_total", "Attempts that were not the first of their call.",
       &ProviderStats::retries},
      {"larder_upstream_retry_budget_refusals_total", "Retries due, but not in the budget.",
       &ProviderStats::budget_refusals},
      {"larder_upstream_circuit_openings_total", "Times the provider's circuit opened.",
       &ProviderStats::circuit_openings},
      {"larder_upstream_circuit_refusals_total", "Calls not made because the circuit was open.",
       &ProviderStats::circuit_refusals},
      {"larder_upstream_stale_if_error_total", "Stale answers given instead of an error.",
       &ProviderStats::stale_if_error},
      {"larder_upstream_fallbacks_total", "Calls sent on to another provider.",
       &ProviderStats::fallbacks},
      {"larder_spent_microusd_total", "Cost of answers fetched, where a price is known.",
       &ProviderStats::microusd},
  };
  for (const Column& column : kColumns) {
    out.Counter(column.name, column.help);
    for (const auto& [name, stats] : providers) {
      out.Add(AsDouble(stats.*column.value), {{"provider", name}});
    }
  }
  out.Counter("larder_spent_tokens_total", "Tokens of answers fetched, as they say.");
  for (const auto& [name, stats] : providers) {
    out.Add(AsDouble(stats.input_tokens), {{"provider", name}, {"kind", "input"}});
    out.Add(AsDouble(stats.output_tokens), {{"provider", name}, {"kind", "output"}});
  }
  out.Gauge("larder_upstream_circuit_open", "1 while the provider is not asked, else 0.");
  for (const auto& [name, stats] : providers) {
    out.Add(stats.circuit == client::CircuitState::kOpen ? 1 : 0, {{"provider", name}});
  }
  out.Histogram("larder_upstream_first_byte_seconds",
                "From sending an attempt to the head of its answer.");
  for (const auto& [name, stats] : providers) out.Add(stats.first_byte, {{"provider", name}});
}

void AddCalls(const std::map<std::string, client::CallStats>& calls, MetricFamilies& out) {
  out.Gauge("larder_upstream_running", "Calls under way to the provider.");
  for (const auto& [name, stats] : calls) {
    out.Add(static_cast<double>(stats.running), {{"provider", name}});
  }
  out.Gauge("larder_upstream_queued", "Calls that wait for their turn.");
  for (const auto& [name, stats] : calls) {
    out.Add(static_cast<double>(stats.queued), {{"provider", name}});
  }
  out.Counter("larder_upstream_overload_refusals_total",
              "Calls refused because too many were under way and waiting.");
  for (const auto& [name, stats] : calls) {
    out.Add(AsDouble(stats.refused), {{"provider", name}});
  }
}

void AddCacheMisses(const Stats& cache, MetricFamilies& out) {
  out.Counter("larder_cache_misses_total", "Lookups in the store that found nothing, by reason.");
  out.Add(AsDouble(cache.misses_absent), {{"reason", "absent"}});
  out.Add(AsDouble(cache.misses_expired), {{"reason", "expired"}});
  out.Add(AsDouble(cache.misses_invalidated), {{"reason", "invalidated"}});
  out.Add(AsDouble(cache.misses_unwanted), {{"reason", "unwanted"}});
  out.Add(AsDouble(cache.misses_corrupt), {{"reason", "corrupt"}});
  out.Add(AsDouble(cache.misses_fault), {{"reason", "fault"}});
}

void AddCache(const Stats& cache, MetricFamilies& out) {
  struct Column {
    const char* name;
    const char* help;
    std::uint64_t Stats::*value;
  };
  constexpr Column kGauges[] = {
      {"larder_cache_entries", "Entries, estimated.", &Stats::entries},
      {"larder_cache_disk_bytes", "All files of the cache.", &Stats::disk_bytes},
      {"larder_cache_memory_bytes", "Hot tier, block cache, write buffers, ledger.",
       &Stats::memory_bytes},
      {"larder_cache_hot_entries", "Entries held unpacked in memory.", &Stats::hot_entries},
      {"larder_cache_hot_bytes", "What they take.", &Stats::hot_bytes},
      {"larder_cache_ledger_tags", "Tags that were ever invalidated.", &Stats::ledger_tags},
      {"larder_cache_reclaimable_bytes", "Dead, but still on disk; estimated.",
       &Stats::reclaimable_bytes},
      {"larder_cache_space_pressure", "0 calm to 4 no room.", &Stats::space_pressure},
  };
  constexpr Column kCounters[] = {
      {"larder_cache_hits_total", "Entries found.", &Stats::hits},
      {"larder_cache_hot_hits_total", "Of which in memory.", &Stats::hot_hits},
      {"larder_cache_stale_hits_total", "Of which stale.", &Stats::stale_hits},
      {"larder_cache_coalesced_total", "Lookups that joined a running flight.", &Stats::coalesced},
      {"larder_cache_stores_total", "Entries stored.", &Stats::stores},
      {"larder_cache_raw_bytes_total", "Bodies stored, before compression.", &Stats::raw_bytes},
      {"larder_cache_stored_bytes_total", "Records stored, keys included.", &Stats::stored_bytes},
      {"larder_cache_superseded_total", "Not written: something newer was there.",
       &Stats::superseded},
      {"larder_cache_refused_total", "Not written: over a limit, or the store takes no values.",
       &Stats::refused},
      {"larder_cache_store_faults_total", "Reads and writes that the store failed.",
       &Stats::store_faults},
      {"larder_cache_fault_episodes_total", "Times the store ceased to serve.",
       &Stats::fault_episodes},
      {"larder_cache_removed_total", "Entries removed by request.", &Stats::removed},
      {"larder_cache_invalidations_total", "Invalidations.", &Stats::invalidated},
      {"larder_cache_expired_total", "Entries reclaimed past their expiry or invalidated.",
       &Stats::expired},
      {"larder_cache_evicted_total", "Entries evicted for want of space.", &Stats::evicted},
      {"larder_cache_evicted_bytes_total", "Their records.", &Stats::evicted_bytes},
      {"larder_cache_merge_read_bytes_total", "Read by merges.", &Stats::merge_read_bytes},
      {"larder_cache_merge_written_bytes_total", "Written by merges.", &Stats::merge_written_bytes},
      {"larder_saved_microusd_total", "Cost of the entries hit; estimated without a price.",
       &Stats::microusd_saved},
  };
  for (const Column& column : kGauges) {
    out.Gauge(column.name, column.help);
    out.Add(AsDouble(cache.*column.value));
  }
  for (const Column& column : kCounters) {
    out.Counter(column.name, column.help);
    out.Add(AsDouble(cache.*column.value));
  }
  AddCacheMisses(cache, out);
  out.Counter("larder_saved_seconds_total", "Time that the entries hit took to compute.");
  out.Add(AsDouble(cache.ms_saved) / 1000);
  out.Gauge("larder_cache_serving", "1 while the store serves; 0 while it is degraded.");
  out.Add(cache.health.state == HealthState::kServing ? 1 : 0);
}

}  // namespace

std::string MetricsText(const MetricsPage& page) {
  MetricFamilies out;
  out.Gauge("larder_build_info", "1; its version is the label.");
  out.Add(1, {{"version", LARDER_VERSION}});
  AddRequests(page.requests, out);
  out.Histogram("larder_first_byte_seconds", "From a whole request to the head of its answer.");
  AddLatencies(page.requests.first_byte, out);
  out.Histogram("larder_request_seconds", "From a whole request to the last byte of its answer.");
  AddLatencies(page.requests.whole, out);
  out.Counter("larder_saved_tokens_total", "Tokens of answers given from the cache, as they say.");
  out.Add(AsDouble(page.requests.saved_input_tokens), {{"kind", "input"}});
  out.Add(AsDouble(page.requests.saved_output_tokens), {{"kind", "output"}});
  out.Gauge("larder_connections", "Connections of callers, open now.");
  out.Add(static_cast<double>(page.connections));
  AddProviders(page.providers, out);
  AddCalls(page.calls, out);
  out.Counter("larder_not_cached_total",
              "Requests that went past the cache and answers that were not stored, by reason.");
  for (const auto& [reason, count] : page.refusals) {
    out.Add(AsDouble(count), {{"reason", reason}});
  }
  AddCache(page.cache, out);
  return out.Text();
}

}  // namespace larder::gateway
