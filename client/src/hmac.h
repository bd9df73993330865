// HMAC-SHA256 (RFC 2104), by OpenSSL.
#pragma once

#include <array>
#include <string_view>

namespace larder::client {

using Mac = std::array<unsigned char, 32>;

// Thread-safe. What depends on the key alone is done once while it is the same in a thread: half of
// the work for short texts, and looking the algorithm up is more than all the rest.
Mac HmacSha256(std::string_view key, std::string_view text);

}  // namespace larder::client
