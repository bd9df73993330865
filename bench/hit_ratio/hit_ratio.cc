// hit_ratio: the engine's eviction policy beside others, on traces of real accesses.
//
//   hit_ratio --traces DIR [--csv FILE] [--costs answer|native|both] [--drop 0.2] [--draw 1]
//   hit_ratio --trace FILE ...
//
// For every trace and 1, 5, 10 and 20 % of its footprint (the bytes of all its entries): the
// share of accesses hit, of bytes hit and of cost saved, counting first accesses too.
// Native costs are the trace's own sizes and costs, 1 where it has none. Answer costs are those of
// answers by models; answer_costs.h says exactly how they are drawn.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "answer_costs.h"
#include "offline_bound.h"
#include "report.h"

namespace larder::hit_ratio {
namespace {

namespace fs = std::filesystem;

// The policy's constants were tuned on these; every other trace is held out.
constexpr const char* kTuned[] = {"caffeine_cache2k_web07", "caffeine_adapt_size_request",
                                  "libcachesim_cloudPhysicsIO", "caffeine_address_penalties_gcc",
                                  "caffeine_lirs_loop"};
constexpr unsigned kCapacityPercents[] = {1, 5, 10, 20};

struct Arguments {
  std::string directory;
  std::vector<std::string> files;
  std::string csv;
  std::string costs = "both";
  double drop = 0.2;
  std::uint64_t draw = 1;
  std::uint64_t most_accesses = 2'000'000;
  bool only_own = false;
};

std::vector<std::string> FilesOf(const Arguments& arguments) {
  std::vector<std::string> files = arguments.files;
  if (!arguments.directory.empty()) {
    for (const auto& file : fs::directory_iterator(arguments.directory)) {
      const std::string path = file.path().string();
      if (path.ends_with(".csv") || path.ends_with(".csv.zst")) files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void MeasureAll(const Trace& trace, const std::string& costs, const Arguments& arguments,
                std::vector<Cell>& cells) {
  const bool tuned =
      std::find(std::begin(kTuned), std::end(kTuned), trace.name) != std::end(kTuned);
  double cost = 0;
  for (const std::uint32_t access : trace.accesses) cost += trace.items[access].cost;
  for (const unsigned percent : kCapacityPercents) {
    const std::uint64_t capacity = trace.FootprintBytes() * percent / 100;
    for (const auto& [name, make] : AllPolicies(arguments.drop)) {
      if (arguments.only_own && name != kOwn && name != kGdsf) continue;
      cells.push_back({trace.name, tuned, costs, percent, name, Measure(trace, make, capacity)});
    }
    Cell bound{trace.name, tuned, costs, percent, "offline bound", {}};
    bound.result.cost_saved = OfflineBound(trace, capacity) / cost;
    cells.push_back(bound);
  }
  std::cerr << trace.name << ", " << costs << " costs\n";
}

int Run(const Arguments& arguments) {
  std::vector<Cell> cells;
  for (const std::string& file : FilesOf(arguments)) {
    Result<Trace> trace = ReadTrace(file, arguments.most_accesses);
    if (!trace.ok()) {
      std::cerr << "hit_ratio: " << trace.status().ToString() << '\n';
      return 5;
    }
    if (arguments.costs != "answer") MeasureAll(*trace, "native", arguments, cells);
    if (arguments.costs != "native") {
      MeasureAll(WithAnswerCosts(*std::move(trace), arguments.draw), "answer", arguments, cells);
    }
  }
  if (cells.empty()) {
    std::cerr << "hit_ratio: no trace; --traces DIR or --trace FILE\n";
    return 2;
  }
  if (!arguments.csv.empty()) {
    std::ofstream csv(arguments.csv);
    WriteCsv(csv, cells);
    if (!csv.flush()) {
      std::cerr << "hit_ratio: cannot write " << arguments.csv << '\n';
      return 5;
    }
  }
  WriteTables(std::cout, cells);
  return 0;
}

}  // namespace
}  // namespace larder::hit_ratio

int main(int argc, char** argv) {
  larder::hit_ratio::Arguments arguments;
  CLI::App app{"The engine's eviction policy beside others, on traces of real accesses."};
  app.add_option("--traces", arguments.directory, "directory of .csv and .csv.zst traces");
  app.add_option("--trace", arguments.files, "a trace");
  app.add_option("--csv", arguments.csv, "write every cell to this file");
  app.add_option("--costs", arguments.costs)->check(CLI::IsMember({"answer", "native", "both"}));
  app.add_option("--drop", arguments.drop, "share of a slice that a sweep drops");
  app.add_option("--draw", arguments.draw, "which draw of answer costs");
  app.add_option("--most", arguments.most_accesses, "accesses read of a trace");
  app.add_flag("--only-own", arguments.only_own, "only the engine's policy and GDSF");
  CLI11_PARSE(app, argc, argv);
  return larder::hit_ratio::Run(arguments);
}
