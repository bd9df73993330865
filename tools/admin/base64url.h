// Base64url (RFC 4648, section 5), without padding: keys in paths.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace larder::admin {

std::string ToBase64Url(std::string_view bytes);
// Accepts the standard alphabet and padding too. nullopt: not base64.
std::optional<std::string> FromBase64Url(std::string_view text);

}  // namespace larder::admin
