// Sustained overwriting at full speed into a small budget: does the directory stay within it, the
// memory within its own, and what do readers feel? Beside RocksDB without a budget under the same
// writers, which says what reading costs at best.
//
//   budget [--mib BUDGET] [--seconds S] [--memory MiB] [--csv FILE] [--raw]
//
// FILE gets a line for each second, and one for all of the run, after what is in it.
#include <malloc.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "directory_size.h"
#include "larder/cache.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr std::uint64_t kKeys = 4000;

struct Arguments {
  std::uint64_t mib = 256;
  std::uint64_t memory_mib = 64;
  int seconds = 30;
  std::string csv;
  bool raw = false;
};

std::uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * 4096;
}

// Of what malloc has from the system: given out, and kept free.
struct Heap {
  double used_mib = 0;
  double free_mib = 0;
};
Heap LookAtHeap() {
  const struct mallinfo2 info = ::mallinfo2();
  return {static_cast<double>(info.uordblks + info.hblkhd) / 1048576,
          static_cast<double>(info.fordblks) / 1048576};
}

// What is written to and read from.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual bool Put(const std::string& key, std::string_view body, std::uint64_t cost) = 0;
  virtual bool Get(const std::string& key) = 0;
  virtual std::string Report() const { return ""; }
};

class LarderSubject final : public Subject {
 public:
  LarderSubject(const std::string& directory, const Arguments& arguments) {
    Options options;
    options.directory = directory;
    options.max_disk_bytes = arguments.mib << 20;
    options.max_memory_bytes = arguments.memory_mib << 20;
    options.compression.level = 0;  // the noise does not compress
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    if (!cache.ok()) std::abort();
    cache_ = *std::move(cache);
  }
  bool Put(const std::string& key, std::string_view body, std::uint64_t cost) override {
    return cache_->Put(key, body, {.cost_microusd = cost}).ok();
  }
  bool Get(const std::string& key) override { return cache_->Get(key).has_value(); }
  std::string Report() const override {
    const Stats stats = cache_->GetStats();
    const auto ratio = static_cast<double>(stats.merge_written_bytes) /
                       static_cast<double>(std::max<std::uint64_t>(stats.stored_bytes, 1));
    char text[256];
    std::snprintf(text, sizeof(text),
                  "evicted %.0f MiB, merges wrote %.1f times what was stored, %.0f MiB kept",
                  static_cast<double>(stats.evicted_bytes) / 1048576, ratio,
                  static_cast<double>(stats.disk_bytes) / 1048576);
    return text;
  }

 private:
  std::unique_ptr<Cache> cache_;
};

// As it comes, with the same memory and without compression.
class RawSubject final : public Subject {
 public:
  RawSubject(const std::string& directory, const Arguments& arguments) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;
    options.max_background_jobs = 2;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache((arguments.memory_mib << 20) / 2);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    if (!rocksdb::DB::Open(options, directory, &db).ok()) std::abort();
    db_.reset(db);
  }
  bool Put(const std::string& key, std::string_view body, std::uint64_t /*cost*/) override {
    return db_->Put(rocksdb::WriteOptions(), key, rocksdb::Slice(body.data(), body.size())).ok();
  }
  bool Get(const std::string& key) override {
    std::string value;
    return db_->Get(rocksdb::ReadOptions(), key, &value).ok();
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

struct Counts {
  std::atomic<std::uint64_t> puts{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> hits{0};
};

std::string MakeNoise() {
  std::mt19937_64 random(7);
  std::string noise(kMostBytes + 4096, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

// As many of each order of magnitude between 100 B and 4 MiB; most bytes are in the large ones.
void Write(Subject& subject, std::uint64_t seed, std::string_view noise,
           const std::atomic<bool>& stop, Counts& counts) {
  std::mt19937_64 random(seed);
  while (!stop) {
    const auto bytes =
        static_cast<std::size_t>(100 * std::exp2(static_cast<double>(random() % 1536) / 100.0));
    const std::string key = "key " + std::to_string(random() % kKeys);
    if (subject.Put(key, noise.substr(random() % 4096, bytes), 1 + bytes % 997)) {
      ++counts.puts;
      counts.bytes += bytes;
    } else {
      ++counts.refused;
    }
  }
}

struct ReadSample {
  int second = 0;
  double microseconds = 0;
};

void Read(Subject& subject, const std::atomic<bool>& stop, Counts& counts,
          std::vector<ReadSample>& reads) {
  std::mt19937_64 random(99);
  const Clock::time_point began = Clock::now();
  while (!stop) {
    const std::string key = "key " + std::to_string(random() % kKeys);
    const Clock::time_point start = Clock::now();
    counts.hits += subject.Get(key) ? 1 : 0;
    const Clock::time_point end = Clock::now();
    reads.push_back(
        {static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(start - began).count()),
         std::chrono::duration<double, std::micro>(end - start).count()});
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

// At most, in one second or in all.
struct Use {
  std::uint64_t disk = 0;
  std::uint64_t memory = 0;  // more than before
  void Note(std::uint64_t disk_now, std::uint64_t memory_now) {
    disk = std::max(disk, disk_now);
    memory = std::max(memory, memory_now);
  }
};

// Of one second; below 0: of all.
std::vector<double> LatenciesOf(const std::vector<ReadSample>& reads, int second) {
  std::vector<double> latencies;
  for (const ReadSample& read : reads) {
    if (second < 0 || read.second == second) latencies.push_back(read.microseconds);
  }
  return latencies;
}

void AppendCsv(const Arguments& arguments, const std::vector<Use>& uses, const Use& all,
               double stored_mib, const std::vector<ReadSample>& reads) {
  if (arguments.csv.empty()) return;
  std::ofstream csv(arguments.csv, std::ios::app);
  const auto line = [&](const std::string& second, const Use& use, std::vector<double> latencies) {
    csv << (arguments.raw ? "rocksdb" : "larder") << ',' << arguments.mib << ','
        << arguments.memory_mib << ',' << second << ',' << static_cast<double>(use.disk) / 1048576
        << ',' << static_cast<double>(use.memory) / 1048576 << ',' << Quantile(latencies, 0.5)
        << ',' << Quantile(latencies, 0.99) << ',' << stored_mib / arguments.seconds << '\n';
  };
  for (std::size_t i = 0; i < uses.size(); ++i) {
    line(std::to_string(i), uses[i], LatenciesOf(reads, static_cast<int>(i)));
  }
  line("all", all, LatenciesOf(reads, -1));
}

int Run(const Arguments& arguments) {
  const testing::TempDir directory;
  const std::string noise = MakeNoise();
  const std::uint64_t resident_before = ResidentBytes();
  std::unique_ptr<Subject> subject;
  if (arguments.raw) {
    subject = std::make_unique<RawSubject>(directory.path(), arguments);
  } else {
    subject = std::make_unique<LarderSubject>(directory.path(), arguments);
  }
  std::atomic<bool> stop{false};
  Counts counts;
  std::vector<ReadSample> reads;
  std::vector<std::thread> threads;
  for (std::uint64_t seed : {1, 2}) {
    threads.emplace_back([&, seed] { Write(*subject, seed, noise, stop, counts); });
  }
  threads.emplace_back([&] { Read(*subject, stop, counts, reads); });
  Use most;
  std::vector<Use> uses(static_cast<std::size_t>(arguments.seconds));
  Heap heap;
  std::uint64_t samples = 0;
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + std::chrono::seconds(arguments.seconds);
  for (Clock::time_point now = begin; now < end; now = Clock::now(), ++samples) {
    const std::uint64_t resident = ResidentBytes();
    const std::uint64_t memory = resident > resident_before ? resident - resident_before : 0;
    if (memory > most.memory + (std::uint64_t{1} << 20)) heap = LookAtHeap();
    const std::uint64_t disk = DirectorySize(directory.path());
    most.Note(disk, memory);
    uses[static_cast<std::size_t>((now - begin) / std::chrono::seconds(1))].Note(disk, memory);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double mib = 1048576;
  const double stored_mib = static_cast<double>(counts.bytes) / mib;
  std::vector<double> latencies = LatenciesOf(reads, -1);
  AppendCsv(arguments, uses, most, stored_mib, reads);
  std::printf(
      "%s: budget %llu MiB, %d s: du at most %.1f MiB in %llu samples; memory at most %.1f MiB "
      "more than before (of %llu), malloc: %.1f in use, %.1f free; stored %llu values, %.1f MiB/s, "
      "refused %llu; %zu reads, %llu "
      "hits, p50 %.1f us, p99 %.1f us; %s\n",
      arguments.raw ? "rocksdb" : "larder", static_cast<unsigned long long>(arguments.mib),
      arguments.seconds, static_cast<double>(most.disk) / mib,
      static_cast<unsigned long long>(samples), static_cast<double>(most.memory) / mib,
      static_cast<unsigned long long>(arguments.memory_mib), heap.used_mib, heap.free_mib,
      static_cast<unsigned long long>(counts.puts), stored_mib / arguments.seconds,
      static_cast<unsigned long long>(counts.refused), reads.size(),
      static_cast<unsigned long long>(counts.hits), Quantile(latencies, 0.5),
      Quantile(latencies, 0.99), subject->Report().c_str());
  const bool bounded =
      most.disk <= arguments.mib << 20 && most.memory <= (arguments.memory_mib + 64) << 20;
  return arguments.raw || bounded ? 0 : 1;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--raw") {
      arguments.raw = true;
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : nullptr;
    if (value != nullptr && name == "--mib") {
      arguments.mib = std::strtoull(value, nullptr, 10);
    } else if (value != nullptr && name == "--memory") {
      arguments.memory_mib = std::strtoull(value, nullptr, 10);
    } else if (value != nullptr && name == "--csv") {
      arguments.csv = value;
    } else if (value != nullptr && name == "--seconds") {
      arguments.seconds = std::atoi(value);
    } else {
      std::fprintf(stderr,
                   "usage: budget [--mib N] [--memory MIB] [--seconds N] [--csv F] [--raw]\n");
      return 2;
    }
  }
  return larder::bench::Run(arguments);
}
