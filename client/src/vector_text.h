// A vector of an embedding as JSON text: a list of numbers, or the base64 of its little-endian
// 32-bit floats.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace larder::client {

enum class VectorForm { kFloats, kBase64 };

// nullopt: neither of the two.
std::optional<VectorForm> VectorFormOf(std::string_view text);

// Whether the JSON value is what it looks like: numbers all through (in lists of lists, too), or
// nothing but base64's characters.
bool IsVector(std::string_view text);

// `text` in the form that is wanted, as it stands if it is in it already. nullopt: it cannot be,
// exactly: a number is no 32-bit float, or the base64 is no whole number of finite floats.
std::optional<std::string> VectorAs(VectorForm form, std::string_view text);

}  // namespace larder::client
