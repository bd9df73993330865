// Figures -> families of metrics as prometheus-cpp writes them.
#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/latency_histogram.h"

namespace larder::gateway {

// The metrics of the page, family by family. Names and labels as Prometheus recommends: a counter
// ends in _total, times are in seconds.
class MetricFamilies {
 public:
  struct Label {
    std::string_view name;
    std::string_view value;
  };
  using Labels = std::initializer_list<Label>;

  // Begins a family; what is added next belongs to it.
  void Counter(std::string_view name, std::string_view help);
  void Gauge(std::string_view name, std::string_view help);
  void Histogram(std::string_view name, std::string_view help);

  void Add(double value, Labels labels = {});
  void Add(const client::LatencyCounts& counts, Labels labels = {});

  std::string Text() const;

 private:
  prometheus::ClientMetric& Begin(Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace larder::gateway
