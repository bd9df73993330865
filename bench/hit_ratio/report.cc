#include "report.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <ostream>
#include <set>
#include <tuple>

namespace larder::hit_ratio {
namespace {

constexpr char kBound[] = "offline bound";

using Share = double Measurement::*;
using Where = std::tuple<bool, std::string, unsigned>;  // held out, trace, capacity

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// One kind of costs and one share: the policies side by side.
class Comparison {
 public:
  Comparison(const std::vector<Cell>& cells, const std::string& costs, Share share) {
    for (const Cell& cell : cells) {
      if (cell.costs != costs || (cell.policy == kBound && share != &Measurement::cost_saved)) {
        continue;
      }
      if (std::find(policies_.begin(), policies_.end(), cell.policy) == policies_.end()) {
        policies_.push_back(cell.policy);
      }
      points_[{!cell.tuned, cell.trace, cell.capacity_percent}][cell.policy] =
          100 * cell.result.*share;
    }
  }

  void WriteTable(std::ostream& out) const {
    out << Format("%-36s %5s", "trace (h = held out)", "size");
    for (const std::string& policy : policies_) out << Format(" %13s", policy.c_str());
    out << '\n';
    for (const auto& [where, row] : points_) {
      const auto& [held_out, trace, capacity] = where;
      out << Format("%-36s %3u %%", (trace + (held_out ? " (h)" : "")).c_str(), capacity);
      for (const std::string& policy : policies_) out << Format(" %13.2f", row.at(policy));
      out << '\n';
    }
    WriteMeans(out, "mean, tuned", [](const Where& where) { return !std::get<0>(where); });
    WriteMeans(out, "mean, held out", [](const Where& where) { return std::get<0>(where); });
    WriteMeans(out, "mean, all", [](const Where&) { return true; });
  }

  double Mean(const std::string& policy, const std::function<bool(const Where&)>& wanted) const {
    double sum = 0;
    int count = 0;
    for (const auto& [where, row] : points_) {
      if (!wanted(where)) continue;
      sum += row.at(policy);
      ++count;
    }
    return count == 0 ? 0 : sum / count;
  }

  bool Has(const std::string& policy) const {
    return std::find(policies_.begin(), policies_.end(), policy) != policies_.end();
  }
  // Own points less the best of `rivals`, for each cell.
  std::vector<std::pair<Where, double>> Leads(const std::vector<std::string>& rivals) const {
    std::vector<std::pair<Where, double>> leads;
    for (const auto& [where, row] : points_) {
      double best = std::numeric_limits<double>::lowest();
      for (const std::string& rival : rivals) best = std::max(best, row.at(rival));
      leads.emplace_back(where, row.at(kOwn) - best);
    }
    return leads;
  }

 private:
  void WriteMeans(std::ostream& out, const char* name,
                  const std::function<bool(const Where&)>& wanted) const {
    out << Format("%-36s %5s", name, "");
    for (const std::string& policy : policies_) out << Format(" %13.2f", Mean(policy, wanted));
    out << '\n';
  }

  std::vector<std::string> policies_;
  std::map<Where, std::map<std::string, double>> points_;
};

std::string Named(const Where& where) {
  return std::get<1>(where) + Format(" %u %%", std::get<2>(where));
}

void WriteLead(std::ostream& out, const char* what, const Comparison& comparison,
               const std::vector<std::string>& rivals, double listed_below) {
  if (!comparison.Has(rivals.front())) return;
  const auto leads = comparison.Leads(rivals);
  double sum = 0;
  auto worst = leads.front();
  for (const auto& lead : leads) {
    sum += lead.second;
    if (lead.second < worst.second) worst = lead;
  }
  out << Format("%s: mean %+.2f points, worst cell %+.2f (%s)\n", what,
                sum / static_cast<double>(leads.size()), worst.second, Named(worst.first).c_str());
  for (const auto& [where, lead] : leads) {
    if (lead < listed_below) out << Format("  below: %+.2f %s\n", lead, Named(where).c_str());
  }
}

void WriteOverhead(std::ostream& out, const std::vector<Cell>& cells) {
  double most_rewritten = 0;
  double sum = 0;
  double most_memory = 0;
  int count = 0;
  for (const Cell& cell : cells) {
    if (cell.policy != kOwn) continue;
    most_memory = std::max(most_memory, cell.result.memory_per_entry);
    if (cell.result.rewritten_per_stored == 0) continue;
    most_rewritten = std::max(most_rewritten, cell.result.rewritten_per_stored);
    sum += cell.result.rewritten_per_stored;
    ++count;
  }
  out << Format("bytes rewritten per byte stored: mean %.2f, most %.2f\n", count ? sum / count : 0,
                most_rewritten);
  out << Format("memory: at most %.2f bytes an entry + 256 KiB\n", most_memory);
}

}  // namespace

void WriteCsv(std::ostream& out, const std::vector<Cell>& cells) {
  out << "trace,tuned,costs,capacity_percent,policy,cost_saved,accesses_hit,bytes_hit,"
         "rewritten_per_stored,entries,memory_bytes\n";
  for (const Cell& cell : cells) {
    const Measurement& r = cell.result;
    out << cell.trace << ',' << (cell.tuned ? 1 : 0) << ',' << cell.costs << ','
        << cell.capacity_percent << ',' << cell.policy
        << Format(",%.5f,%.5f,%.5f,%.3f,%llu,%llu\n", r.cost_saved, r.accesses_hit, r.bytes_hit,
                  r.rewritten_per_stored, static_cast<unsigned long long>(r.entries),
                  static_cast<unsigned long long>(r.memory_bytes));
  }
}

void WriteTables(std::ostream& out, const std::vector<Cell>& cells) {
  std::set<std::string> kinds;
  for (const Cell& cell : cells) kinds.insert(cell.costs);
  for (const std::string& costs : kinds) {
    const Comparison saved(cells, costs, &Measurement::cost_saved);
    const Comparison hits(cells, costs, &Measurement::accesses_hit);
    const Comparison bytes(cells, costs, &Measurement::bytes_hit);
    out << "\n== " << costs << " costs: % of cost saved\n";
    saved.WriteTable(out);
    out << "\n== " << costs << " costs: % of accesses hit\n";
    hits.WriteTable(out);
    out << "\n== " << costs << " costs: % of bytes hit\n";
    bytes.WriteTable(out);
    out << "\n== " << costs << " costs: the engine's policy\n";
    WriteLead(out, "cost saved, against exact GDSF", saved, {kGdsf}, -1);
    WriteLead(out, "accesses hit, against LRU", hits, {"LRU"}, -1);
    WriteLead(out, "accesses hit, against the best of S3-FIFO, SIEVE, W-TinyLFU", hits,
              {"S3-FIFO", "SIEVE", "W-TinyLFU"}, -1.5);
  }
  out << '\n';
  WriteOverhead(out, cells);
}

}  // namespace larder::hit_ratio
