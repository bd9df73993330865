// OfflineBound: a share of cost that no cache can save, knowing the future or not.
#pragma once

#include <cstdint>

#include "trace.h"

namespace larder::hit_ratio {

// The cost that could be saved if only the sum over time of what is held were bounded, not each
// moment: from an access to the next of the same item, holding it costs bytes * time and saves
// its cost; the cheapest are taken first (PFOO-U, Berger et al., 2018). Relaxed, so above
// anything feasible; by 1 to 2 points on these traces.
double OfflineBound(const Trace& trace, std::uint64_t capacity);

}  // namespace larder::hit_ratio
