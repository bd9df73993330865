// Exit statuses of cachectl and larderd, and how a Status becomes one: in this table only.
#pragma once

#include "larder/status.h"

namespace larder::tools {

enum ExitStatus : int {
  kExitDone = 0,
  kExitNotFound = 1,     // or differs
  kExitUsage = 2,        // wrong usage or configuration
  kExitUnreachable = 3,  // not reachable, held by another, port in use
  kExitCorrupt = 4,
  kExitFailed = 5,
};

constexpr ExitStatus ToExitStatus(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return kExitDone;
    case StatusCode::kNotFound: return kExitNotFound;
    case StatusCode::kInvalidArgument: return kExitUsage;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded: return kExitUnreachable;
    case StatusCode::kDataLoss: return kExitCorrupt;
    case StatusCode::kResourceExhausted:
    case StatusCode::kCancelled:
    case StatusCode::kInternal: return kExitFailed;
  }
  return kExitFailed;
}

}  // namespace larder::tools
