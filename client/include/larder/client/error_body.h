// ErrorBody: the body of an error answer of our own, as a provider would write it.
#pragma once

#include <string>
#include <string_view>

namespace larder::client {

// JSON in the shape of the dialect; of an unknown one as "openai". What of `message` is not UTF-8
// is replaced.
std::string ErrorBody(std::string_view dialect, int status, std::string_view message);

}  // namespace larder::client
