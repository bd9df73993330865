// RunOnTerminal: runs a program on a terminal of its own and answers what it asks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "run_program.h"

namespace larder::testing {

// {what it shows, what is typed then}, in order; the typed text needs its own "\n".
using Dialogue = std::vector<std::pair<std::string, std::string>>;

// `out` is all that the terminal showed. `input` of the run is not used.
ProgramEnd RunOnTerminal(const ProgramRun& run, const Dialogue& dialogue);

}  // namespace larder::testing
