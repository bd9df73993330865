// Many at once: ten thousand callbacks on one key; ten million invalidated tags.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "larder/cache.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

std::unique_ptr<Cache> Open(const std::string& directory) {
  Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = directory});
  if (!cache.ok()) std::abort();
  return *std::move(cache);
}

// From the commit until the last of 10,000 followers has been called.
void CallbacksLarder(benchmark::State& state) {
  constexpr std::size_t kFollowers = 10'000;
  const testing::TempDir directory;
  const std::unique_ptr<Cache> cache = Open(directory.path());
  std::size_t round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string key = "key " + std::to_string(++round);
    Acquired first = cache->Acquire(key);
    std::atomic<std::size_t> called{0};
    std::size_t leases = 1;
    for (std::size_t i = 0; i < kFollowers; ++i) {
      Acquired acquired = cache->Acquire(key);
      const auto* flight = std::get_if<Flight>(&acquired);
      if (flight == nullptr) {
        ++leases;
        continue;
      }
      flight->OnEnd([&called](const FlightEnd& end) { called += end.entry.has_value() ? 1 : 0; });
    }
    state.ResumeTiming();
    std::get<Lease>(first).Commit("the value");
    if (called != kFollowers) state.SkipWithError("a follower was not called");
    if (leases != 1) state.SkipWithError("more than one computation");
  }
}
BENCHMARK(CallbacksLarder)->Name("Callbacks10k/larder")->UseRealTime();

// A time for all ten million; what counts is the memory that the ledger then takes.
void TagsLarder(benchmark::State& state) {
  constexpr std::size_t kTags = 10'000'000;
  const testing::TempDir directory;
  for (auto _ : state) {
    const std::unique_ptr<Cache> cache = Open(directory.path());
    for (std::size_t tag = 0; tag < kTags;) {
      Invalidation batch;
      for (std::size_t i = 0; i < kMaxTags; ++i) batch.tags.push_back(std::to_string(tag++));
      if (!cache->Invalidate(batch).ok()) state.SkipWithError("not invalidated");
    }
    const Stats stats = cache->GetStats();
    state.counters["ledger_tags"] = static_cast<double>(stats.ledger_tags);
    state.counters["memory_bytes"] = static_cast<double>(stats.memory_bytes);
  }
}
BENCHMARK(TagsLarder)
    ->Name("Tags10M/larder")
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime()
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace larder::bench

BENCHMARK_MAIN();
