// VerbTable: every verb of cachectl and its flags, in one table. To add a verb, add a line here and
// a function in the file of its family.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "exit_status.h"
#include "larder/result.h"

namespace larder::cachectl {

class Console;
struct Invocation;

struct VerbFlag {
  std::string_view name;   // "--tag"
  std::string_view value;  // "T"; empty = takes none
  std::string_view help;
  bool repeats = false;
};

// What a verb did: kExitDone, kExitNotFound. All else is a Status.
using VerbFunction = Result<tools::ExitStatus> (*)(const Invocation&, Console&);

struct Verb {
  std::string_view name;       // "get", "config check"
  std::string_view arguments;  // "KEY..."
  std::size_t least_arguments;
  std::size_t most_arguments;
  std::string_view help;
  std::span<const VerbFlag> flags;
  VerbFunction run;
};

std::span<const Verb> Verbs();
const Verb* FindVerb(std::string_view name);
// Flags that every verb takes.
std::span<const VerbFlag> GlobalFlags();

}  // namespace larder::cachectl
