// proof: the long forms of the engine's proofs, one part at a time. Run by scripts/soak.
#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proof_parts.h"

namespace larder::testing {
namespace {

int Usage() {
  std::fprintf(stderr,
               "usage: proof PART [--seed=N] [--seconds=N] [--steps=N] [--rounds=N]\nparts:\n");
  for (const ProofPart& part : ProofParts()) {
    std::fprintf(stderr, "  %-10s %s\n", part.name, part.what);
  }
  std::fprintf(
      stderr,
      "With --seconds: from that seed on until then; else that seed only; model and clock\n"
      "print its history.\n");
  return 2;
}

bool Parse(std::string_view argument, ProofArguments& arguments) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = argument.substr(0, equals);
  const std::uint64_t value =
      std::strtoull(std::string(argument.substr(equals + 1)).c_str(), nullptr, 10);
  if (name == "--seed") {
    arguments.seed = value;
  } else if (name == "--seconds") {
    arguments.seconds = static_cast<unsigned>(value);
  } else if (name == "--steps") {
    arguments.steps = value;
  } else if (name == "--rounds") {
    arguments.rounds = static_cast<int>(value);
  } else {
    return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  if (argc < 2) return Usage();
  ProofArguments arguments;
  for (int i = 2; i < argc; ++i) {
    if (!Parse(argv[i], arguments)) return Usage();
  }
  for (const ProofPart& part : ProofParts()) {
    if (part.name != std::string_view(argv[1])) continue;
    const ProofTally tally = part.run(arguments);
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    // scripts/soak reads this line.
    std::printf(
        "tally %s operations=%llu kills=%llu power_losses=%llu faults=%llu findings=%llu "
        "next_seed=%llu peak_mib=%ld\n",
        part.name, static_cast<unsigned long long>(tally.operations),
        static_cast<unsigned long long>(tally.kills),
        static_cast<unsigned long long>(tally.power_losses),
        static_cast<unsigned long long>(tally.faults),
        static_cast<unsigned long long>(tally.findings),
        static_cast<unsigned long long>(tally.next_seed), usage.ru_maxrss / 1024);
    return tally.findings == 0 ? 0 : 1;
  }
  return Usage();
}

}  // namespace
}  // namespace larder::testing

int main(int argc, char** argv) { return larder::testing::Main(argc, argv); }
