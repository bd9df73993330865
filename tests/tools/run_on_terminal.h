// RunOnTerminal: runs a program on a terminal of its own and answers what it asks.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "run_program.h"

namespace larder::testing {

// {what it shows, what is typed then}, in order; the typed text needs its own "\n".
using Dialogue = std::vector<std::pair<std::string, std::string>>;
// The same where what is typed depends on what was shown, or something is to be done before.
using Typist = std::function<std::string(const std::string& shown)>;
using Conversation = std::vector<std::pair<std::string, Typist>>;

// `out` is all that the terminal showed. `input` of the run is not used.
ProgramEnd RunOnTerminal(const ProgramRun& run, const Dialogue& dialogue);
ProgramEnd TalkOnTerminal(const ProgramRun& run, const Conversation& conversation);

}  // namespace larder::testing
