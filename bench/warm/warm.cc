// How a cache comes back: share of reads from memory, share of hits, and latency, second by second
// after a restart and after a kill, with the hot list and without.
//
//   warm [--entries 100000] [--memory 128] [--seconds 10] [--rate 4000] [--csv FILE]
//
// Each life of the cache is a process of its own. One fills it with answers of about 2 KB under
// keys like those of larderd, reads them by Zipf's law until memory is warm, and is then closed, or
// killed a minute later. The next life begins with a page cache that has nothing of the store, and
// reads at a steady rate.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "larder/cache.h"
#include "recorded.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

struct Arguments {
  std::uint64_t entries = 100'000;
  std::uint64_t memory_mib = 128;
  int seconds = 10;
  int rate = 4000;
  std::string csv;
};

std::string Key(std::uint64_t i) {
  std::string key;
  for (std::uint64_t part = 0; part < 4; ++part) {
    const std::uint64_t hash = XXH3_64bits_withSeed(&i, sizeof(i), part);
    key.append(reinterpret_cast<const char*>(&hash), sizeof(hash));
  }
  return key;
}

// Ranks by Zipf's law with exponent 1: the n-th most popular is asked for 1/n as often as the
// first.
class Zipf {
 public:
  Zipf(std::uint64_t count, std::uint64_t seed) : random_(seed) {
    double sum = 0;
    for (std::uint64_t rank = 1; rank <= count; ++rank) {
      sum += 1 / static_cast<double>(rank);
      sums_.push_back(sum);
    }
  }
  std::uint64_t Next() {
    std::uniform_real_distribution<double> uniform(0, sums_.back());
    const auto at = std::lower_bound(sums_.begin(), sums_.end(), uniform(random_));
    return static_cast<std::uint64_t>(at - sums_.begin());
  }

 private:
  std::mt19937_64 random_;
  std::vector<double> sums_;
};

std::unique_ptr<Cache> Open(const std::string& directory, const Arguments& arguments) {
  Options options;
  options.directory = directory;
  options.max_memory_bytes = arguments.memory_mib << 20;
  options.default_ttl = kForever;
  Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
  if (!cache.ok()) {
    std::fprintf(stderr, "warm: %s\n", cache.status().ToString().c_str());
    std::_Exit(1);
  }
  return *std::move(cache);
}

void Fill(const std::string& directory, const Arguments& arguments, bool kill) {
  std::vector<std::string> bodies;
  for (auto& exchange : testing::LoadRecorded("chat_completions.json")) {
    if (exchange.status == 200) bodies.push_back(std::move(exchange.response_body));
  }
  std::unique_ptr<Cache> cache = Open(directory, arguments);
  for (std::uint64_t i = 0; i < arguments.entries; ++i) {
    if (!cache->Put(Key(i), bodies[i % bodies.size()]).ok()) --i;  // merges are behind
  }
  if (!cache->Compact().ok()) std::_Exit(1);
  Zipf ranks(arguments.entries, 1);
  for (std::uint64_t i = 0; i < 5 * arguments.entries; ++i) cache->Get(Key(ranks.Next()));
  if (!kill) {
    cache.reset();
    std::_Exit(0);
  }
  std::this_thread::sleep_for(seconds(62));
  ::kill(::getpid(), SIGKILL);
}

void ForgetPages(const std::string& directory) {
  ::sync();
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (!file.is_regular_file()) continue;
    const int opened = ::open(file.path().c_str(), O_RDONLY);
    if (opened < 0) continue;
    ::posix_fadvise(opened, 0, 0, POSIX_FADV_DONTNEED);
    ::close(opened);
  }
}

double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

void Measure(const std::string& name, const std::string& directory, const Arguments& arguments) {
  Zipf ranks(arguments.entries, 2);
  std::FILE* csv = arguments.csv.empty() ? nullptr : std::fopen(arguments.csv.c_str(), "a");
  const Clock::time_point start = Clock::now();
  const std::unique_ptr<Cache> cache = Open(directory, arguments);
  const double open_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  std::printf("%s: opened in %.1f ms\n", name.c_str(), open_ms);
  const auto pause = std::chrono::duration<double>(1.0 / arguments.rate);
  Clock::time_point next = Clock::now();
  Stats before = cache->GetStats();
  for (int second = 1; second <= arguments.seconds; ++second) {
    std::vector<double> microseconds;
    while (Clock::now() < start + seconds(second)) {
      const std::string key = Key(ranks.Next());
      std::this_thread::sleep_until(next);
      next += std::chrono::duration_cast<Clock::duration>(pause);
      const Clock::time_point began = Clock::now();
      cache->Get(key);
      microseconds.push_back(
          std::chrono::duration<double, std::micro>(Clock::now() - began).count());
    }
    const Stats now = cache->GetStats();
    const auto reads = static_cast<double>(now.hits + now.misses - before.hits - before.misses);
    const double hits = 100 * static_cast<double>(now.hits - before.hits) / reads;
    const double hot = 100 * static_cast<double>(now.hot_hits - before.hot_hits) / reads;
    before = now;
    const double p50 = Quantile(microseconds, 0.5);
    const double p99 = Quantile(microseconds, 0.99);
    std::printf("  second %2d: %5.1f %% hits, %5.1f %% from memory, p50 %6.1f us, p99 %8.1f us\n",
                second, hits, hot, p50, p99);
    if (csv != nullptr) {
      std::fprintf(csv, "\"%s\",%d,%.2f,%.2f,%.1f,%.1f,%.1f\n", name.c_str(), second, hits, hot,
                   p50, p99, open_ms);
    }
  }
  if (csv != nullptr) std::fclose(csv);
}

// Runs it in a process of its own. False if that went wrong.
template <typename Life>
bool Live(const Life& life, bool killed) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    life();
    std::fflush(stdout);
    std::_Exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return false;
  return killed ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int Run(const Arguments& arguments) {
  if (!arguments.csv.empty()) {
    std::ofstream(arguments.csv) << "case,second,hits,from_memory,p50_us,p99_us,open_ms\n";
  }
  for (const bool killed : {false, true}) {
    const testing::TempDir directory;
    const std::string cache = directory / "cache";
    if (!Live([&] { Fill(cache, arguments, killed); }, killed)) return 1;
    for (const bool listed : {true, false}) {
      const std::string copy = directory / (listed ? "listed" : "unlisted");
      std::filesystem::copy(cache, copy, std::filesystem::copy_options::recursive);
      if (!listed) std::filesystem::remove(copy + "/hot");
      ForgetPages(copy);
      const std::string name =
          std::string(killed ? "kill" : "restart") + (listed ? ", hot list" : ", no hot list");
      if (!Live([&] { Measure(name, copy, arguments); }, false)) return 1;
      std::filesystem::remove_all(copy);
    }
  }
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--entries") {
      arguments.entries = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--memory") {
      arguments.memory_mib = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--seconds") {
      arguments.seconds = std::atoi(argv[i + 1]);
    } else if (name == "--rate") {
      arguments.rate = std::atoi(argv[i + 1]);
    } else if (name == "--csv") {
      arguments.csv = argv[i + 1];
    } else {
      std::fprintf(stderr,
                   "usage: warm [--entries N] [--memory MiB] [--seconds N] [--rate N] [--csv F]\n");
      return 2;
    }
  }
  return larder::bench::Run(arguments);
}
