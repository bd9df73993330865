#include "prometheus_text.h"

#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>

namespace larder::testing {
namespace {

class Reader {
 public:
  PrometheusText Read(const std::string& page) {
    if (!page.ends_with('\n')) Complain("the last line has no end");
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      line_ = line;
      if (line.starts_with("# HELP ")) {
        BeginFamily(line.substr(7));
      } else if (line.starts_with("# TYPE ")) {
        TakeType(line.substr(7));
      } else if (!line.empty() && !line.starts_with('#')) {
        TakeSample(line);
      }
    }
    EndFamily();
    return std::move(text_);
  }

 private:
  void Complain(const std::string& what) { text_.problems.push_back(what + ": " + line_); }

  void BeginFamily(const std::string& rest) {
    EndFamily();
    family_ = rest.substr(0, rest.find(' '));
    type_.clear();
    if (!families_.insert(family_).second) Complain("a family in two places");
    if (rest.size() <= family_.size() + 1) Complain("no help");
  }

  void TakeType(const std::string& rest) {
    const std::size_t blank = rest.find(' ');
    if (rest.substr(0, blank) != family_) Complain("a type without its help");
    type_ = rest.substr(blank + 1);
    const bool total = family_.ends_with("_total");
    if ((type_ == "counter") != total) Complain("_total and type counter belong together");
  }

  void TakeSample(const std::string& line) {
    static const std::regex kSample(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*",?)*\})? )re"
        R"re((\+Inf|NaN|-?[0-9.]+(e[+-]?[0-9]+)?))re");
    std::smatch match;
    if (!std::regex_match(line, match, kSample)) return Complain("no sample");
    const std::string name = match[1];
    const std::string labels = match[2];
    const double value = std::strtod(match[5].str().c_str(), nullptr);
    if (type_ == "histogram") {
      TakeHistogram(name, labels, value);
    } else if (name != family_) {
      Complain("a sample outside of its family");
    }
    if (type_.empty()) Complain("a sample without a type");
    if (type_ == "counter" && !(value >= 0)) Complain("a counter below 0");
    if (!text_.samples.emplace(name + labels, value).second) Complain("a sample twice");
  }

  void TakeHistogram(const std::string& name, const std::string& labels, double value) {
    static const std::regex kBound(R"re(,?le="([^"]*)")re");
    std::smatch bound;
    if (name == family_ + "_bucket" && std::regex_search(labels, bound, kBound)) {
      std::string others = std::regex_replace(labels, kBound, "");
      if (others == "{}") others.clear();
      if (value < last_[others]) Complain("buckets fall");
      last_[others] = value;
      if (bound[1] == "+Inf") infinite_[others] = value;
    } else if (name == family_ + "_count") {
      counts_[labels] = value;
    } else if (name != family_ + "_sum") {
      Complain("not of a histogram");
    }
  }

  void EndFamily() {
    if (infinite_ != counts_) Complain("the bucket +Inf is not the count, before");
    last_.clear();
    infinite_.clear();
    counts_.clear();
  }

  PrometheusText text_;
  std::string line_;
  std::string family_;
  std::string type_;
  std::set<std::string> families_;
  // Of one histogram family, by the labels but for `le`.
  std::map<std::string, double> last_;
  std::map<std::string, double> infinite_;
  std::map<std::string, double> counts_;
};

}  // namespace

double PrometheusText::Value(const std::string& sample) const {
  const auto found = samples.find(sample);
  return found == samples.end() ? 0 : found->second;
}

PrometheusText ReadPrometheusText(const std::string& page) { return Reader().Read(page); }

}  // namespace larder::testing
