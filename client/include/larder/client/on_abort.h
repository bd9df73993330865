// OnAbort: what becomes of a request that all its callers have left.
#pragma once

namespace larder::client {

enum class OnAbort {
  kFinish,  // it is paid for: its answer is stored
  kCancel,  // it is given up, where the provider takes that for a reason to stop counting
};

}  // namespace larder::client
