#include "process_watch.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace larder::testing {
namespace {

struct Figure {
  const char* name;
  std::uint64_t ProcessSample::*value;
  // More is growth.
  std::uint64_t allowance;
};

// Of memory: what malloc keeps in pieces between what is in use grows for long, and the engine may
// have 64 MiB of it. In a quarter of an hour it went from 24 to 45 MiB, while what was in use (by
// mallinfo2) stayed at 36 to 38. Half a kilobyte lost with each call would be 40 MiB in ten
// minutes.
constexpr Figure kFigures[] = {
    {"resident KiB", &ProcessSample::resident_kib, 32 * 1024},
    {"threads", &ProcessSample::threads, 1},
    {"sockets", &ProcessSample::sockets, 16},
    {"files", &ProcessSample::files, 24},
};

std::uint64_t Median(std::vector<std::uint64_t> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

std::string ProcessSample::Text() const {
  return std::to_string(resident_kib / 1024) + " MiB, " + std::to_string(threads) + " threads, " +
         std::to_string(sockets) + " sockets, " + std::to_string(files) + " files";
}

ProcessSample SampleProcess(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProcessSample sample;
  std::ifstream status(folder + "/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> sample.resident_kib;
    if (word == "Threads:") status >> sample.threads;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/fd", error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    ++(target.starts_with("socket:") ? sample.sockets : sample.files);
  }
  return sample;
}

std::string GrowthIn(const std::vector<ProcessSample>& samples) {
  if (samples.size() < 8) return "";
  const std::size_t quarter = samples.size() / 4;
  std::string grown;
  for (const Figure& figure : kFigures) {
    const auto median = [&](std::size_t from) {
      std::vector<std::uint64_t> values;
      for (std::size_t i = from; i < from + quarter; ++i) {
        values.push_back(samples[i].*figure.value);
      }
      return Median(std::move(values));
    };
    const std::uint64_t early = median(quarter);
    const std::uint64_t late = median(samples.size() - quarter);
    if (late <= early + figure.allowance) continue;
    grown += (grown.empty() ? "" : ", ") + std::string(figure.name) + " grew from " +
             std::to_string(early) + " to " + std::to_string(late);
  }
  return grown;
}

}  // namespace larder::testing
