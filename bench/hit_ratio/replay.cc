// replay: the real engine on a trace, beside the simulator's result: does what bench/hit_ratio says
// of the policy hold for the store?
//
//   replay --trace FILE [--percent 10] [--most 500000] [--costs answer|native] [--record FILE]
//          [--hot-tier]
//
// The engine runs with the smallest disk budget, 256 MiB; sizes of the trace's entries are scaled
// so that what its tables may take is the given share of the footprint. Bodies are noise, so that
// nothing compresses. The hot tier is off: what it keeps of bodies that the policy has evicted from
// disk is a second cache beside the one that is simulated; --hot-tier shows it. One thread: a miss
// is stored before the next access, again and again if the store has no room just then, since a
// trace has no pauses in which merges could catch up.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "answer_costs.h"
#include "cache_core.h"
#include "larder/cache.h"
#include "larder/trace_recorder.h"
#include "measurement.h"
#include "space_plan.h"
#include "temp_dir.h"

namespace larder::hit_ratio {
namespace {

constexpr std::uint64_t kDiskBytes = std::uint64_t{256} << 20;
constexpr std::size_t kMostBody = std::size_t{4} << 20;
// What a row has beside its body: the key, its fields, its share of index and filter.
constexpr std::uint64_t kRowBytes = 90;

struct Arguments {
  std::string file;
  std::string costs = "answer";
  std::string record;
  unsigned percent = 10;
  std::uint64_t most_accesses = 500'000;
  bool hot_tier = false;
};

Trace Scaled(Trace trace, double by) {
  for (Item& item : trace.items) {
    const double bytes = static_cast<double>(item.bytes) * by;
    item.bytes = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(bytes), 200, kMostBody);
  }
  return trace;
}

std::string KeyOf(const Item& item) {
  return std::string(reinterpret_cast<const char*>(&item.hash), sizeof(item.hash));
}

struct Outcome {
  Measurement share;
  std::uint64_t waits = 0;  // for room
  double seconds = 0;
};

Outcome Replay(const Trace& trace, Cache& cache) {
  std::mt19937_64 random(1);
  std::string noise(kMostBody + 4096, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  Outcome outcome;
  double cost = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const std::uint32_t access : trace.accesses) {
    const Item& item = trace.items[access];
    const std::string key = KeyOf(item);
    cost += item.cost;
    if (cache.Get(key).has_value()) {
      outcome.share.accesses_hit += 1;
      outcome.share.cost_saved += item.cost;
      continue;
    }
    const std::string_view body =
        std::string_view(noise).substr(random() % 4096, item.bytes - kRowBytes);
    WriteOptions options;
    options.cost_microusd = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(item.cost));
    while (!cache.Put(key, body, options).ok()) ++outcome.waits;
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome.share.accesses_hit /= static_cast<double>(trace.accesses.size());
  outcome.share.cost_saved /= cost;
  return outcome;
}

int Fail(const Status& status) {
  std::fprintf(stderr, "replay: %s\n", status.ToString().c_str());
  return 5;
}

void Print(const char* who, const Measurement& share) {
  std::printf("  %-30s %5.2f %% of cost saved, %5.2f %% of accesses hit\n", who,
              100 * share.cost_saved, 100 * share.accesses_hit);
}

int Run(const Arguments& arguments) {
  Result<Trace> read = ReadTrace(arguments.file, arguments.most_accesses);
  if (!read.ok()) return Fail(read.status());
  Trace trace = *std::move(read);
  if (arguments.costs == "answer") trace = WithAnswerCosts(std::move(trace), 1);
  const auto capacity =
      static_cast<double>(SpacePlan(kDiskBytes).TablesTarget(std::uint64_t{1} << 20));
  trace = Scaled(std::move(trace),
                 100 * capacity / arguments.percent / static_cast<double>(trace.FootprintBytes()));

  const testing::TempDir directory;
  const std::string record = arguments.record.empty() ? directory / "trace.csv" : arguments.record;
  Result<std::unique_ptr<TraceRecorder>> recorder = TraceRecorder::Create(record);
  if (!recorder.ok()) return Fail(recorder.status());
  Options options;
  options.directory = directory / "cache";
  options.max_disk_bytes = kDiskBytes;
  options.compression.level = 0;
  options.default_ttl = kForever;
  options.observer = recorder->get();
  Result<std::unique_ptr<Cache>> cache = OpenCache(options, {.hot_tier = arguments.hot_tier});
  if (!cache.ok()) return Fail(cache.status());
  const Outcome engine = Replay(trace, **cache);
  const Stats stats = (*cache)->GetStats();
  cache->reset();
  if (Status status = (*recorder)->Flush(); !status.ok()) return Fail(status);

  const auto bytes = static_cast<std::uint64_t>(capacity);
  std::printf("%s, %zu accesses, %zu entries of %.0f bytes, tables may take %.1f MiB (%u %%)\n",
              trace.name.c_str(), trace.accesses.size(), trace.items.size(),
              static_cast<double>(trace.FootprintBytes()) / static_cast<double>(trace.items.size()),
              capacity / 1048576, arguments.percent);
  Print("the engine", engine.share);
  Print("the simulator", Measure(trace, MakeSweep(0.2), bytes));
  Print("... that drops half of a slice", Measure(trace, MakeSweep(0.5), bytes));
  const Result<Trace> recorded = ReadTrace(record, UINT64_MAX);
  if (!recorded.ok()) return Fail(recorded.status());
  Print("... on the trace recorded", Measure(*recorded, MakeSweep(0.2), bytes));
  Print("GDSF", Measure(trace, MakeGdsf, bytes));
  Print("LRU", Measure(trace, MakeLru, bytes));
  std::printf(
      "  engine: %llu of %llu hits from memory, %.0f s, %llu waits for room, %.1f bytes merged per "
      "byte stored, evicted %.0f MiB, "
      "%.1f MiB on disk\n",
      static_cast<unsigned long long>(stats.hot_hits), static_cast<unsigned long long>(stats.hits),
      engine.seconds, static_cast<unsigned long long>(engine.waits),
      static_cast<double>(stats.merge_written_bytes) / static_cast<double>(stats.stored_bytes),
      static_cast<double>(stats.evicted_bytes) / 1048576,
      static_cast<double>(stats.disk_bytes) / 1048576);
  return 0;
}

}  // namespace
}  // namespace larder::hit_ratio

int main(int argc, char** argv) {
  larder::hit_ratio::Arguments arguments;
  CLI::App app{"The real engine on a trace, beside the simulator."};
  app.add_option("--trace", arguments.file, "a trace")->required();
  app.add_option("--percent", arguments.percent, "of the footprint that the tables may take")
      ->check(CLI::Range(1, 100));
  app.add_option("--most", arguments.most_accesses, "accesses read of the trace");
  app.add_option("--costs", arguments.costs)->check(CLI::IsMember({"answer", "native"}));
  app.add_flag("--hot-tier", arguments.hot_tier, "with the hot tier");
  app.add_option("--record", arguments.record, "keep the trace that the engine records");
  CLI11_PARSE(app, argc, argv);
  return larder::hit_ratio::Run(arguments);
}
