// Opening a cache: after a clean close, and after the process that filled it was killed. Each round
// opens the directory as it was left: tables, which nothing changes, are linked into it, the other
// files are copied. (Copying 700 MB of tables right before would measure the disk that takes them.)
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "larder/cache.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Cache> Open(const std::string& directory) {
  Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = directory});
  if (!cache.ok()) std::abort();
  return *std::move(cache);
}

// About 650 bytes that zstd can make no smaller, as a compressed answer is.
std::string Body(std::uint64_t seed) {
  std::string body;
  while (body.size() < 650) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    body.append(reinterpret_cast<const char*>(&seed), sizeof(seed));
  }
  return body;
}

double WalMegabytes(const std::string& directory) {
  double bytes = 0;
  for (const auto& file : fs::directory_iterator(directory + "/store")) {
    if (file.path().extension() == ".log") bytes += static_cast<double>(file.file_size());
  }
  return bytes / (1 << 20);
}

// In a process of its own: fills the cache, then closes it or is killed.
void Fill(const std::string& directory, std::size_t entries, bool killed) {
  std::unique_ptr<Cache> cache = Open(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    if (!cache->Put("key " + std::to_string(i), Body(i)).ok()) std::abort();
  }
  if (killed) std::raise(SIGKILL);
  cache.reset();
}

void FillElsewhere(const std::string& directory, std::size_t entries, bool killed) {
  const std::string command = "/proc/" + std::to_string(::getpid()) + "/exe fill " + directory +
                              " " + std::to_string(entries) + (killed ? " killed" : " closed");
  const int status = std::system(command.c_str());
  if (!killed && status != 0) std::abort();
}

void Copy(const fs::path& from, const fs::path& to) {
  for (const auto& file : fs::recursive_directory_iterator(from)) {
    const fs::path target = to / fs::relative(file.path(), from);
    if (file.is_directory()) {
      fs::create_directories(target);
    } else if (file.path().extension() == ".sst") {
      fs::create_hard_link(file.path(), target);
    } else {
      fs::copy_file(file.path(), target);
    }
  }
}

void OpenLarder(benchmark::State& state, std::size_t entries, bool killed) {
  const testing::TempDir filled;
  FillElsewhere(filled.path(), entries, killed);
  state.counters["wal_mb"] = WalMegabytes(filled.path());
  for (auto _ : state) {
    state.PauseTiming();
    const testing::TempDir copy;
    Copy(filled.path(), copy.path());
    ::sync();  // else the syncs of opening wait for the copy's bytes
    state.ResumeTiming();
    std::unique_ptr<Cache> opened = Open(copy.path());
    state.PauseTiming();
    if (!opened->Get("key 0").has_value()) state.SkipWithError("the entry is gone");
    opened.reset();
    state.ResumeTiming();
  }
}

void Register(const char* count, std::size_t entries) {
  for (const bool killed : {false, true}) {
    const std::string name = std::string(killed ? "OpenKilled" : "OpenClean") + "/larder/" + count;
    benchmark::RegisterBenchmark(name.c_str(), OpenLarder, entries, killed)
        ->Iterations(3)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 4 && arguments[0] == "fill") {
    larder::bench::Fill(argv[2], std::stoul(argv[3]), arguments[3] == "killed");
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  larder::bench::Register("10k", 10'000);
  larder::bench::Register("100k", 100'000);
  larder::bench::Register("1M", 1'000'000);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
