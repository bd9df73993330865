// Invocation: one command line of cachectl, taken apart by the table of verbs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "larder/result.h"
#include "verb_table.h"

namespace larder::cachectl {

struct Invocation {
  const Verb* verb = nullptr;
  std::vector<std::string> arguments;
  // Values by the flag's name, in the order given; flags without a value have one empty string.
  std::map<std::string, std::vector<std::string>, std::less<>> flags;

  bool Has(std::string_view flag) const { return flags.contains(flag); }
  // The last value, or empty.
  std::string Value(std::string_view flag) const;
  std::vector<std::string> Values(std::string_view flag) const;
};

// The value of a flag that counts something, `otherwise` without it. Errors: kInvalidArgument (not
// a whole number from 1 on).
Result<std::uint32_t> ReadNumber(const Invocation& invocation, std::string_view flag,
                                 std::uint32_t otherwise);

// Flags may stand anywhere, as `--flag value` or `--flag=value`; after `--` all are arguments.
// No verb, or --help, is the verb `help`; --version is `version`.
// Errors: kInvalidArgument, naming the nearest verb or flag.
Result<Invocation> ParseInvocation(const std::vector<std::string>& words);

}  // namespace larder::cachectl
