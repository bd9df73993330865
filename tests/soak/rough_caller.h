// RoughCaller: what callers and the network between do to a gateway.
#pragma once

#include "soak_caller.h"

namespace larder::testing {

// One of: hangs up at any byte, closes its sending half, reads slowly, sends its head byte by byte,
// sends what is no request, sends several at once.
void BeRough(SoakCaller& caller);

}  // namespace larder::testing
