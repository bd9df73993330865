// What the client's stacks count, for the statistics of the process.
#pragma once

#include <string>

#include "larder/client/health_board.h"
#include "larder/client/refusals.h"

namespace larder::gateway {

// A JSON object: `refusals`, by reason, and `providers`, by name.
std::string ClientStatsJson(const client::HealthBoard& board, const client::Refusals& refusals);

}  // namespace larder::gateway
