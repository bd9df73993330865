// Finding: one thing that doctor has looked at.
#pragma once

#include <string>
#include <vector>

#include "exit_status.h"

namespace larder::cachectl {

struct Finding {
  std::string subject;      // "disk"
  std::string what;         // how it is
  std::string remedy = {};  // what to do about it; empty: nothing is wrong
  // kExitDone: nothing is wrong. kExitNotFound: something is. The others are graver.
  tools::ExitStatus status = tools::kExitDone;
};
using Findings = std::vector<Finding>;

}  // namespace larder::cachectl
