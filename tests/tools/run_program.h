// RunProgram: runs a program to its end and keeps what it wrote.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace larder::testing {

struct ProgramRun {
  std::vector<std::string> words;  // the program first
  // Where it starts; empty = here.
  std::string directory = {};
  // Over the test's own, from which LARDER_... and NO_COLOR are taken out.
  std::map<std::string, std::string> environment = {};
  std::string input = {};  // on stdin
  // -1: stdout is kept; else a descriptor to write to, not owned.
  int stdout_fd = -1;
};

struct ProgramEnd {
  int exit_status = -1;  // -1: ended by a signal
  std::string out;
  std::string err;
};

ProgramEnd RunProgram(const ProgramRun& run);

}  // namespace larder::testing
