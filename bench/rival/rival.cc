// rival: answers compressed one by one with the engine's own dictionary, beside RocksDB's
// compression of blocks, with a dictionary a file and without, end to end and with equal memory.
//
//   rival DIRECTORY [--entries 80000] [--reads 100000] [--rounds 3] [--csv FILE]
//
// Bodies are real: what providers answered (tests/data/recorded: chat completions, responses,
// messages) and the answers in DIRECTORY (lmarena/arena-hard-auto) as chat completions. From one
// half of them the engine makes its dictionary; the entries are made of the other half, each body
// several times under keys like those of larderd. RocksDB makes its dictionaries from the very
// files that they are for. Keys are asked for by Zipf's law. The hot tier is off: it would be the
// same for all. Memory is for blocks, indexes, filters, dictionaries and memtables; in the page
// cache is everything, so that a block that is not in memory costs a system call and no disk.
// The mean of a hit is of the processor's time, which what else the machine does leaves alone.
#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>

#include "answers.h"
#include "recorded.h"
#include "rival_store.h"
#include "temp_dir.h"

namespace larder::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Bodies = std::vector<std::string>;

struct Arguments {
  std::string answers;
  std::size_t entries = 80'000;
  std::size_t reads = 100'000;
  int rounds = 3;
  std::string csv;
};

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kMemoryMib[] = {18, 32, 64};
const Way kWays[] = {
    {.name = "records, our dictionary", .engine = true, .records_with_dictionary = true},
    {.name = "records, no dictionary", .engine = true},
    {.name = "blocks of 4 KiB", .block_bytes = 4096},
    {.name = "blocks of 16 KiB", .block_bytes = 16384},
    {.name = "blocks of 4 KiB, 16 KiB a file", .block_bytes = 4096, .dictionary_bytes = 16384},
    {.name = "blocks of 16 KiB, 16 KiB a file", .block_bytes = 16384, .dictionary_bytes = 16384},
    {.name = "blocks of 4 KiB, 110 KiB a file", .block_bytes = 4096, .dictionary_bytes = 112640},
};

struct Material {
  Bodies training;
  Bodies recorded;  // held out
  Bodies answers;   // held out, bare
};

Material ReadMaterial(const std::string& directory) {
  Material material;
  for (const char* name : {"chat_completions.json", "responses.json", "anthropic_messages.json"}) {
    for (auto& exchange : testing::LoadRecorded(name)) {
      if (exchange.status != 200) continue;
      Bodies& half = IsHeldOut(exchange.response_body) ? material.recorded : material.training;
      half.push_back(std::move(exchange.response_body));
    }
  }
  for (std::string& answer : ReadAnswers(directory)) {
    if (IsHeldOut(answer)) {
      material.answers.push_back(std::move(answer));
    } else {
      material.training.push_back(ChatCompletion(answer));
    }
  }
  return material;
}

std::string Key(std::uint64_t i) {
  std::string key;
  for (std::uint64_t part = 0; part < 4; ++part) {
    const std::uint64_t hash = XXH3_64bits_withSeed(&i, sizeof(i), part);
    key.append(reinterpret_cast<const char*>(&hash), sizeof(hash));
  }
  return key;
}

std::string Body(const Material& material, std::size_t i) {
  const std::size_t all = material.recorded.size() + material.answers.size();
  const std::size_t which = i % all;
  if (which < material.recorded.size()) return material.recorded[which];
  return ChatCompletion(material.answers[which - material.recorded.size()], i / all);
}

double Microseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::micro>(Clock::now() - since).count();
}

double ThreadMicroseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double Quantile(std::vector<double>& values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}
double Median(std::vector<double> values) { return Quantile(values, 0.5); }

std::uint64_t BytesOf(const std::string& directory, const std::string& ending) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(directory)) {
    if (file.is_regular_file() && file.path().string().ends_with(ending)) {
      bytes += file.file_size();
    }
  }
  return bytes;
}

// What an entry takes on its way, and in the end.
struct Written {
  double log_bytes = 0;       // of the write-ahead log, an entry
  double memtable_bytes = 0;  // an entry
  double put_us = 0;          // median
  double table_bytes = 0;     // an entry
};

Written Fill(const Way& way, const Material& material, const std::string& directory,
             const Arguments& arguments) {
  // One memtable, and so one log, takes the first entries; they are counted there.
  const std::size_t counted = std::min<std::size_t>(10'000, arguments.entries);
  const Place place{directory, 512 * kMiB, 64 * kMiB};
  fs::create_directory(directory);
  Train(way, place, material.training);
  std::unique_ptr<RivalStore> store = OpenRival(way, place);
  const std::uint64_t log_before = BytesOf(directory, ".log");
  const std::uint64_t memory_before = store->MemoryBytes();
  Written written;
  std::vector<double> puts;
  for (std::size_t i = 0; i < arguments.entries; ++i) {
    if (i == counted) {
      const auto count = static_cast<double>(counted);
      written.log_bytes = static_cast<double>(BytesOf(directory, ".log") - log_before) / count;
      written.memtable_bytes = static_cast<double>(store->MemoryBytes() - memory_before) / count;
    }
    const std::string key = Key(i);
    const std::string body = Body(material, i);
    const Clock::time_point start = Clock::now();
    store->Put(key, body);
    puts.push_back(Microseconds(start));
  }
  store->Settle();
  // Opening deletes the files that merging has left over.
  store.reset();
  OpenRival(way, place).reset();
  written.put_us = Median(puts);
  written.table_bytes = static_cast<double>(BytesOf(directory + "/store", ".sst")) /
                        static_cast<double>(arguments.entries);
  return written;
}

struct Reading {
  double data_hits_percent = 0;  // of the blocks of rows that were asked for
  double cpu_us = 0;             // mean
  double p50_us = 0;
  double p99_us = 0;
};

Reading Read(RivalStore& store, const Arguments& arguments) {
  std::vector<double> sums;
  for (std::size_t rank = 1; rank <= arguments.entries; ++rank) {
    sums.push_back(1 / static_cast<double>(rank) + (sums.empty() ? 0 : sums.back()));
  }
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, sums.back());
  const auto next = [&] {
    const auto at = std::lower_bound(sums.begin(), sums.end(), uniform(random));
    return Key(static_cast<std::uint64_t>(at - sums.begin()));
  };
  for (std::size_t i = 0; i < arguments.reads; ++i) store.Get(next());
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < arguments.reads; ++i) keys.push_back(next());
  rocksdb::SetPerfLevel(rocksdb::kEnableCount);
  rocksdb::get_perf_context()->Reset();
  std::vector<double> microseconds;
  microseconds.reserve(keys.size());
  const double before = ThreadMicroseconds();
  for (const std::string& key : keys) {
    const Clock::time_point start = Clock::now();
    const std::size_t size = store.Get(key);
    microseconds.push_back(Microseconds(start));
    if (size == 0) {
      std::fprintf(stderr, "rival: an entry is missing\n");
      std::exit(1);
    }
  }
  Reading reading;
  reading.cpu_us = (ThreadMicroseconds() - before) / static_cast<double>(keys.size());
  const rocksdb::PerfContext& seen = *rocksdb::get_perf_context();
  const auto found =
      static_cast<double>(seen.block_cache_hit_count - seen.block_cache_index_hit_count -
                          seen.block_cache_filter_hit_count);
  const auto read =
      static_cast<double>(seen.block_read_count - seen.index_block_read_count -
                          seen.filter_block_read_count - seen.compression_dict_block_read_count);
  rocksdb::SetPerfLevel(rocksdb::kDisable);
  reading.data_hits_percent = 100 * found / (found + read);
  reading.p50_us = Quantile(microseconds, 0.5);
  reading.p99_us = Quantile(microseconds, 0.99);
  return reading;
}

// Medians, figure by figure.
Reading MedianOf(const std::vector<Reading>& readings) {
  const auto median = [&](double Reading::*figure) {
    std::vector<double> values;
    for (const Reading& reading : readings) values.push_back(reading.*figure);
    return Median(values);
  };
  return {median(&Reading::data_hits_percent), median(&Reading::cpu_us), median(&Reading::p50_us),
          median(&Reading::p99_us)};
}

int Run(const Arguments& arguments) {
  const Material material = ReadMaterial(arguments.answers);
  if (material.answers.empty()) {
    std::fprintf(stderr, "rival: no answers in %s\n", arguments.answers.c_str());
    return 1;
  }
  double raw = 0;
  for (std::size_t i = 0; i < arguments.entries; ++i) {
    raw += static_cast<double>(Body(material, i).size()) / static_cast<double>(arguments.entries);
  }
  std::printf("%zu entries of %.0f bytes, made of %zu bodies; trained on %zu others\n\n",
              arguments.entries, raw, material.recorded.size() + material.answers.size(),
              material.training.size());
  std::printf("%-32s %10s %10s %10s %10s %8s\n", "bytes an entry", "log", "memtable", "tables",
              "raw/tables", "put, us");
  const testing::TempDir directory;
  for (const Way& way : kWays) {
    const Written w = Fill(way, material, directory / way.name, arguments);
    std::printf("%-32s %10.0f %10.0f %10.0f %10.2f %8.1f\n", way.name.c_str(), w.log_bytes,
                w.memtable_bytes, w.table_bytes, raw / w.table_bytes, w.put_us);
  }
  std::printf("engine's dictionary: %.2f MiB of memory, taken from its blocks\n\n",
              static_cast<double>(DictionaryMemoryBytes(directory / kWays[0].name)) / kMiB);

  std::map<std::pair<std::uint64_t, std::size_t>, std::vector<Reading>> cells;
  for (int round = 0; round < arguments.rounds; ++round) {
    for (const std::uint64_t mib : kMemoryMib) {
      for (std::size_t way = 0; way < std::size(kWays); ++way) {
        const Place place{directory / kWays[way].name, mib * kMiB};
        const std::unique_ptr<RivalStore> store = OpenRival(kWays[way], place);
        cells[{mib, way}].push_back(Read(*store, arguments));
      }
    }
    std::fprintf(stderr, "round %d of %d\n", round + 1, arguments.rounds);
  }
  std::ofstream csv(arguments.csv.empty() ? "/dev/null" : arguments.csv);
  csv << "way,memory_mib,data_hits_percent,cpu_us,p50_us,p99_us\n";
  std::printf("%-32s %7s %16s %8s %8s %8s\n", "reads", "memory", "blocks in memory", "cpu us",
              "p50 us", "p99 us");
  for (const auto& [cell, readings] : cells) {
    const Reading r = MedianOf(readings);
    std::printf("%-32s %3llu MiB %14.1f %% %8.2f %8.2f %8.2f\n", kWays[cell.second].name.c_str(),
                static_cast<unsigned long long>(cell.first), r.data_hits_percent, r.cpu_us,
                r.p50_us, r.p99_us);
    csv << '"' << kWays[cell.second].name << "\"," << cell.first << ',' << r.data_hits_percent
        << ',' << r.cpu_us << ',' << r.p50_us << ',' << r.p99_us << '\n';
  }
  return csv.flush() ? 0 : 1;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (!name.starts_with("--") && arguments.answers.empty()) {
      arguments.answers = name;
      continue;
    }
    if (value == nullptr) return std::cerr << "rival: no value for " << name << '\n', 2;
    ++i;
    if (name == "--entries") {
      arguments.entries = std::strtoull(value, nullptr, 10);
    } else if (name == "--reads") {
      arguments.reads = std::strtoull(value, nullptr, 10);
    } else if (name == "--rounds") {
      arguments.rounds = std::atoi(value);
    } else if (name == "--csv") {
      arguments.csv = value;
    } else {
      return std::cerr << "rival: unknown argument " << name << '\n', 2;
    }
  }
  if (arguments.answers.empty()) {
    return std::cerr << "usage: rival DIRECTORY [--entries N] [--reads N] [--rounds N] [--csv F]\n",
           2;
  }
  return larder::bench::Run(arguments);
}
