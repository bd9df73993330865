// Percent-encoding of URLs (RFC 3986, section 2.1).
#pragma once

#include <string>
#include <string_view>

namespace larder::client {

// What is no escape stays as it is.
std::string PercentDecoded(std::string_view text);

}  // namespace larder::client
