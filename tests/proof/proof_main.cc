// proof: the long forms of the engine's proofs. Run by scripts/soak.
//   proof model --seed=N [--steps=N] [--seconds=N]   from seed N on; with --seconds, until then
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model_run.h"

namespace larder::testing {
namespace {

struct Arguments {
  std::string part;
  std::uint64_t seed = 1;
  std::size_t steps = 400;
  unsigned seconds = 0;  // 0: one seed, with its history
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  if (argc < 2) return false;
  arguments.part = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&](std::string_view name) -> const char* {
      return argument.starts_with(name) ? argv[i] + name.size() : nullptr;
    };
    if (const char* seed = value("--seed=")) {
      arguments.seed = std::strtoull(seed, nullptr, 10);
    } else if (const char* steps = value("--steps=")) {
      arguments.steps = std::strtoull(steps, nullptr, 10);
    } else if (const char* seconds = value("--seconds=")) {
      arguments.seconds = static_cast<unsigned>(std::strtoul(seconds, nullptr, 10));
    } else {
      return false;
    }
  }
  return true;
}

int RunModelPart(const Arguments& arguments) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.seconds);
  ModelResult sum;
  std::uint64_t seed = arguments.seed;
  int findings = 0;
  do {
    const ModelResult result = RunModel(seed, arguments.steps);
    sum.steps += result.steps;
    sum.hits += result.hits;
    sum.kills += result.kills;
    sum.power_losses += result.power_losses;
    if (!result.finding.empty()) {
      ++findings;
      std::printf("finding: %s: %s\n", ToString(MakeModelOptions(seed)).c_str(),
                  result.finding.c_str());
    }
    if (!result.finding.empty() || arguments.seconds == 0) {
      for (const std::string& line : result.history) std::printf("  %s\n", line.c_str());
    }
    ++seed;
  } while (std::chrono::steady_clock::now() < end);
  std::printf(
      "model: seeds %llu to %llu, %llu operations, %llu hits, %llu kills, %llu losses of "
      "power, %d findings\n",
      static_cast<unsigned long long>(arguments.seed), static_cast<unsigned long long>(seed - 1),
      static_cast<unsigned long long>(sum.steps), static_cast<unsigned long long>(sum.hits),
      static_cast<unsigned long long>(sum.kills), static_cast<unsigned long long>(sum.power_losses),
      findings);
  return findings == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments) || arguments.part != "model") {
    std::fprintf(stderr, "usage: proof model [--seed=N] [--steps=N] [--seconds=N]\n");
    return 2;
  }
  return RunModelPart(arguments);
}

}  // namespace
}  // namespace larder::testing

int main(int argc, char** argv) { return larder::testing::Main(argc, argv); }
