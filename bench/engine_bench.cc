// The engine beside the same work on raw RocksDB + zstd, on real answers, in one run.
//
// Names are Operation/who: scripts/bench prints medians and the ratios larder / raw.
#include <benchmark/benchmark.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "cache_core.h"
#include "larder/cache.h"
#include "raw_store.h"
#include "recorded.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

constexpr std::size_t kEntries = 100'000;
constexpr std::size_t kHotEntries = 2'000;

// Bodies of recorded chat answers.
const std::vector<std::string>& Bodies() {
  static const std::vector<std::string> bodies = [] {
    std::vector<std::string> all;
    for (auto& exchange : testing::LoadRecorded("chat_completions.json")) {
      if (exchange.status == 200) all.push_back(std::move(exchange.response_body));
    }
    return all;
  }();
  return bodies;
}

const std::string& Body(std::size_t i) { return Bodies()[i % Bodies().size()]; }

// 32 bytes that look like a SHA-256.
std::string Key(std::size_t i) {
  std::string key;
  for (std::uint64_t part = 0; part < 4; ++part) {
    const std::uint64_t hash = XXH3_64bits_withSeed(&i, sizeof(i), part);
    key.append(reinterpret_cast<const char*>(&hash), sizeof(hash));
  }
  return key;
}

// Keys made before the clock starts, in an order that no cache line or block likes.
std::vector<std::string> Keys(std::size_t from, std::size_t count) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(Key(from + i));
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(7));
  return keys;
}

std::unique_ptr<Cache> OpenLarder(const std::string& directory, bool hot_tier) {
  Options options;
  options.directory = directory;
  options.max_memory_bytes = std::uint64_t{1} << 30;
  Result<std::unique_ptr<Cache>> cache = OpenCache(options, {.hot_tier = hot_tier});
  if (!cache.ok()) std::abort();
  return *std::move(cache);
}

// What benchmarks that only read share. Closed by main: RocksDB must not outlive the statics that
// it has of its own.
struct Filled {
  testing::TempDir directories[3];
  std::unique_ptr<Cache> with_hot_tier;
  std::unique_ptr<Cache> without_hot_tier;
  std::unique_ptr<RawStore> raw;
  std::mutex mutex;  // several threads of one benchmark ask at once
};
std::unique_ptr<Filled> filled;

Cache& FilledCache(bool hot_tier) {
  const std::lock_guard lock(filled->mutex);
  std::unique_ptr<Cache>& cache = hot_tier ? filled->with_hot_tier : filled->without_hot_tier;
  if (cache != nullptr) return *cache;
  cache = OpenLarder(filled->directories[hot_tier ? 0 : 1].path(), hot_tier);
  for (std::size_t i = 0; i < kEntries; ++i) {
    if (!cache->Put(Key(i), Body(i)).ok()) std::abort();
  }
  if (!cache->Compact().ok()) std::abort();
  return *cache;
}

RawStore& FilledRaw() {
  const std::lock_guard lock(filled->mutex);
  if (filled->raw != nullptr) return *filled->raw;
  filled->raw = std::make_unique<RawStore>(filled->directories[2].path());
  for (std::size_t i = 0; i < kEntries; ++i) filled->raw->Put(Key(i), Body(i));
  filled->raw->Settle();
  return *filled->raw;
}

void HotHitLarder(benchmark::State& state) {
  Cache& cache = FilledCache(true);
  std::vector<std::string> keys = Keys(0, kHotEntries);
  for (const std::string& key : keys) benchmark::DoNotOptimize(cache.Get(key));
  // Each thread in an order of its own: in one order they would run into each other, and then
  // stay side by side on the same entries.
  std::shuffle(keys.begin(), keys.end(), std::mt19937(state.thread_index()));
  std::size_t i = 0;
  for (auto _ : state) {
    const std::optional<Hit> hit = cache.Get(keys[++i % keys.size()]);
    if (!hit.has_value()) state.SkipWithError("a miss");
    benchmark::DoNotOptimize(hit);
  }
}
BENCHMARK(HotHitLarder)->Name("HotHit/larder")->UseRealTime();
BENCHMARK(HotHitLarder)->Name("HotHit/larder/2_threads")->Threads(2)->UseRealTime();

// What a second thread gains on this machine where nothing at all is shared.
void HotHitLoop(benchmark::State& state) {
  constexpr int kSteps = 100;
  std::uint64_t x = 1;
  for (auto _ : state) {
    for (int i = 0; i < kSteps; ++i) benchmark::DoNotOptimize(x = x * 6364136223846793005U + 1);
  }
}
BENCHMARK(HotHitLoop)->Name("HotHit/loop")->UseRealTime();
BENCHMARK(HotHitLoop)->Name("HotHit/loop/2_threads")->Threads(2)->UseRealTime();

void DiskHitLarder(benchmark::State& state) {
  Cache& cache = FilledCache(false);
  const std::vector<std::string> keys = Keys(0, kEntries);
  for (const std::string& key : keys) benchmark::DoNotOptimize(cache.Get(key));
  std::size_t i = 0;
  for (auto _ : state) {
    const std::optional<Hit> hit = cache.Get(keys[++i % keys.size()]);
    if (!hit.has_value()) state.SkipWithError("a miss");
    benchmark::DoNotOptimize(hit);
  }
}
BENCHMARK(DiskHitLarder)->Name("DiskHit/larder");

void DiskHitRaw(benchmark::State& state) {
  RawStore& store = FilledRaw();
  const std::vector<std::string> keys = Keys(0, kEntries);
  std::size_t size = 0;
  for (const std::string& key : keys) benchmark::DoNotOptimize(store.Get(key, size));
  std::size_t i = 0;
  for (auto _ : state) {
    const auto body = store.Get(keys[++i % keys.size()], size);
    if (body == nullptr) state.SkipWithError("a miss");
    benchmark::DoNotOptimize(body.get());
  }
}
BENCHMARK(DiskHitRaw)->Name("DiskHit/raw");

void MissGetLarder(benchmark::State& state) {
  Cache& cache = FilledCache(true);
  const std::vector<std::string> keys = Keys(kEntries, kEntries);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(cache.Get(keys[++i % keys.size()]));
}
BENCHMARK(MissGetLarder)->Name("MissGet/larder");

void MissLeaseLarder(benchmark::State& state) {
  Cache& cache = FilledCache(true);
  const std::vector<std::string> keys = Keys(kEntries, kEntries);
  std::size_t i = 0;
  for (auto _ : state) {
    Acquired acquired = cache.Acquire(keys[++i % keys.size()]);
    if (!std::holds_alternative<Lease>(acquired)) state.SkipWithError("no lease");
    benchmark::DoNotOptimize(acquired);
  }
}
BENCHMARK(MissLeaseLarder)->Name("MissLease/larder");

void MissRaw(benchmark::State& state) {
  RawStore& store = FilledRaw();
  const std::vector<std::string> keys = Keys(kEntries, kEntries);
  std::size_t i = 0;
  std::size_t size = 0;
  for (auto _ : state) benchmark::DoNotOptimize(store.Get(keys[++i % keys.size()], size));
}
BENCHMARK(MissRaw)->Name("MissGet/raw");
BENCHMARK(MissRaw)->Name("MissLease/raw");

// Fixed counts, so that both write the same rows into an empty store.
constexpr benchmark::IterationCount kPuts = 40'000;

void PutLarder(benchmark::State& state, bool overwrite) {
  const testing::TempDir directory;
  const std::unique_ptr<Cache> cache = OpenLarder(directory.path(), true);
  const std::vector<std::string> keys = Keys(0, overwrite ? 4'000 : kPuts);
  for (std::size_t i = 0; overwrite && i < keys.size(); ++i) {
    if (!cache->Put(keys[i], Body(i)).ok()) std::abort();
  }
  std::size_t i = 0;
  for (auto _ : state) {
    if (!cache->Put(keys[i % keys.size()], Body(i)).ok()) state.SkipWithError("put failed");
    ++i;
  }
}
BENCHMARK_CAPTURE(PutLarder, PutNew, false)->Name("PutNew/larder")->Iterations(kPuts);
BENCHMARK_CAPTURE(PutLarder, PutOverwrite, true)->Name("PutOverwrite/larder")->Iterations(kPuts);

void PutRaw(benchmark::State& state, bool overwrite) {
  const testing::TempDir directory;
  RawStore store(directory.path());
  const std::vector<std::string> keys = Keys(0, overwrite ? 4'000 : kPuts);
  for (std::size_t i = 0; overwrite && i < keys.size(); ++i) store.Put(keys[i], Body(i));
  std::size_t i = 0;
  for (auto _ : state) {
    store.Put(keys[i % keys.size()], Body(i));
    ++i;
  }
}
BENCHMARK_CAPTURE(PutRaw, PutNew, false)->Name("PutNew/raw")->Iterations(kPuts);
BENCHMARK_CAPTURE(PutRaw, PutOverwrite, true)->Name("PutOverwrite/raw")->Iterations(kPuts);

// One tag that covers `entries` entries; each round invalidates it anew.
void InvalidateLarder(benchmark::State& state, std::size_t entries) {
  const testing::TempDir directory;
  const std::unique_ptr<Cache> cache = OpenLarder(directory.path(), true);
  for (std::size_t i = 0; i < entries; ++i) {
    if (!cache->Put(Key(i), "a small body", {.tags = {"covers all"}}).ok()) std::abort();
  }
  for (auto _ : state) {
    if (!cache->Invalidate({.tags = {"covers all"}}).ok()) state.SkipWithError("not invalidated");
  }
}
BENCHMARK_CAPTURE(InvalidateLarder, 10, 10)->Name("Invalidate/larder/10")->UseRealTime();
BENCHMARK_CAPTURE(InvalidateLarder, 10k, 10'000)->Name("Invalidate/larder/10k")->UseRealTime();
BENCHMARK_CAPTURE(InvalidateLarder, 1M, 1'000'000)
    ->Name("Invalidate/larder/1M")
    ->Iterations(2'000)
    ->UseRealTime();

// What an invalidation would be as a row of the store: one small synced put.
void SyncedPutRaw(benchmark::State& state) {
  RawStore& store = FilledRaw();
  std::size_t i = 0;
  for (auto _ : state) store.Put("tag " + std::to_string(++i), "12345678", true);
}
BENCHMARK(SyncedPutRaw)->Name("Invalidate/raw/10")->UseRealTime();
BENCHMARK(SyncedPutRaw)->Name("Invalidate/raw/10k")->UseRealTime();
BENCHMARK(SyncedPutRaw)->Name("Invalidate/raw/1M")->UseRealTime();

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  larder::bench::filled = std::make_unique<larder::bench::Filled>();
  benchmark::RunSpecifiedBenchmarks();
  larder::bench::filled.reset();
  benchmark::Shutdown();
}
