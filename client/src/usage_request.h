// Asking for the usage of a stream in the name of a caller who did not.
#pragma once

#include <string>
#include <string_view>

namespace larder::client {

// The body of a stream request whose plan says can_ask_usage, with `stream_options.include_usage`
// true and all else as it stands there.
std::string WithUsageAsked(std::string_view body);

}  // namespace larder::client
