#include "metric_families.h"

#include <prometheus/text_serializer.h>

#include <cstddef>
#include <limits>
#include <utility>

namespace larder::gateway {
namespace {

using prometheus::MetricType;
using Seconds = std::chrono::duration<double>;

prometheus::MetricFamily Family(std::string_view name, std::string_view help, MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

}  // namespace

void MetricFamilies::Counter(std::string_view name, std::string_view help) {
  families_.push_back(Family(name, help, MetricType::Counter));
}

void MetricFamilies::Gauge(std::string_view name, std::string_view help) {
  families_.push_back(Family(name, help, MetricType::Gauge));
}

void MetricFamilies::Histogram(std::string_view name, std::string_view help) {
  families_.push_back(Family(name, help, MetricType::Histogram));
}

prometheus::ClientMetric& MetricFamilies::Begin(Labels labels) {
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  for (const Label& label : labels) {
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  }
  return metric;
}

void MetricFamilies::Add(double value, Labels labels) {
  prometheus::ClientMetric& metric = Begin(labels);
  metric.counter.value = value;
  metric.gauge.value = value;
}

void MetricFamilies::Add(const client::LatencyCounts& counts, Labels labels) {
  prometheus::ClientMetric::Histogram& histogram = Begin(labels).histogram;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    sum += counts.buckets[i];
    const bool last = i == client::kLatencyBounds.size();
    const double bound =
        last ? std::numeric_limits<double>::infinity() : Seconds(client::kLatencyBounds[i]).count();
    histogram.bucket.push_back({sum, bound});
  }
  histogram.sample_count = sum;
  histogram.sample_sum = Seconds(counts.sum).count();
}

std::string MetricFamilies::Text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

}  // namespace larder::gateway
