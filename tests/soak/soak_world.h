// SoakWorld: all that the parts of the soak share.
#pragma once

#include "calm.h"
#include "soak_gateway.h"
#include "soak_oracle.h"
#include "soak_tally.h"
#include "soak_upstream.h"

namespace larder::testing {

struct SoakWorld {
  SoakWorld(const std::string& larderd, std::uint64_t seed, bool volumes)
      : upstream(oracle, tally, seed), gateway(larderd, upstream.url(), volumes) {}

  SoakTally tally;
  Calm calm;
  SoakOracle oracle{tally, calm};
  SoakUpstream upstream;
  SoakGateway gateway;
};

}  // namespace larder::testing
