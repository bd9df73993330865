// A whole response -> events, as the provider would have streamed it.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "event_stream.h"

namespace larder::client {

// `answer` is an object with an array `output`. Its last event holds it as it is.
std::vector<Event> SplitResponse(const nlohmann::json& answer);

}  // namespace larder::client
