// What a call costs while the store is out of use, beside the loader alone: a broken cache must
// cost its callers no more than no cache.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "cache_core.h"
#include "faulty_file_system.h"
#include "larder/cache.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

// What an answer costs that is there for the asking: a copy of 2 KiB.
Result<Computed> Load() {
  static const std::string body(2048, 'b');
  return Computed{body};
}

void LoaderAlone(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Load());
}
BENCHMARK(LoaderAlone)->Name("Degraded/loader");

// Arg 0: serving. 1: the disk is full, so nothing is stored, and reads go on.
void GetOrComputeIn(benchmark::State& state) {
  const auto files = std::make_shared<testing::FaultyFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  const testing::TempDir directory;
  Options options;
  options.directory = directory.path();
  Result<std::unique_ptr<Cache>> cache = OpenCache(options, {.env = env.get()});
  if (!cache.ok()) std::abort();
  files->full() = state.range(0) != 0;
  if (state.range(0) != 0) static_cast<void>((*cache)->Put("k", "v"));
  std::size_t i = 0;
  const std::uint64_t before = files->operations();
  for (auto _ : state) {
    benchmark::DoNotOptimize((*cache)->GetOrCompute("key " + std::to_string(++i), {}, Load));
  }
  state.counters["file_operations_per_call"] = benchmark::Counter(
      static_cast<double>(files->operations() - before), benchmark::Counter::kAvgIterations);
}
BENCHMARK(GetOrComputeIn)->Name("Degraded/serving")->Arg(0);
BENCHMARK(GetOrComputeIn)->Name("Degraded/disk_full")->Arg(1);

}  // namespace
}  // namespace larder::bench

BENCHMARK_MAIN();
