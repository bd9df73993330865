// PrometheusText: reads a page of metrics as strictly as its readers may.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace larder::testing {

struct PrometheusText {
  // "name{label="value"}" -> value, as written.
  std::map<std::string, double> samples;
  // What is against the format, or against what a reader expects of it: a family without HELP and
  // TYPE or in two places, a sample twice, a bad name or escape, a counter below 0 or not called
  // _total, a histogram whose buckets fall or do not end with +Inf and the count.
  std::vector<std::string> problems;

  // 0 if there is none.
  double Value(const std::string& sample) const;
};

PrometheusText ReadPrometheusText(const std::string& page);

}  // namespace larder::testing
