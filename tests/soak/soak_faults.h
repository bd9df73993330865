// SoakFaults: what is done to the gateway, its upstream, its store and its configuration, each
// until it is over and all is well again.
#pragma once

#include <string>
#include <vector>

#include "soak_caller.h"

namespace larder::testing {

struct SoakFault {
  const char* name;
  // Ends the gateway's process and begins another.
  bool ends_life;
  // `caller` gives the random numbers. Not to be interrupted; some seconds.
  void (*run)(SoakWorld& world, SoakCaller& caller);
};

const std::vector<SoakFault>& SoakFaults();

// Waits until a new question is answered as it should be, and until the store takes part again.
// A finding if that takes too long.
void AwaitRecovery(SoakWorld& world, SoakCaller& caller, const std::string& after);

}  // namespace larder::testing
