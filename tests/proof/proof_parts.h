// The parts of the proof, as the program `proof` runs them: for a time, from a seed on.
#pragma once

#include <cstdint>
#include <vector>

namespace larder::testing {

struct ProofArguments {
  std::uint64_t seed = 1;
  unsigned seconds = 0;  // 0: this seed only
  std::uint64_t steps = 400;
  int rounds = 50;
};

struct ProofTally {
  std::uint64_t operations = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t faults = 0;  // damages, clock steps: what was done to it but for the two above
  std::uint64_t findings = 0;
  std::uint64_t next_seed = 0;
};

struct ProofPart {
  const char* name;
  const char* what;
  ProofTally (*run)(const ProofArguments&);  // prints its findings
};

const std::vector<ProofPart>& ProofParts();

}  // namespace larder::testing
