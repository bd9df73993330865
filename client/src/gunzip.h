// Gunzip: what a gzip stream (RFC 1952) holds, all of it at once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace larder::client {

// nullopt if it is none, is cut or damaged as far as its length tells, has several members, or
// holds more than `most_bytes`.
std::optional<std::string> Gunzip(std::string_view bytes, std::size_t most_bytes);

}  // namespace larder::client
