// CoarseTraits: the parts of a request as few hashes, however large it is, to be kept in memory.
#pragma once

#include <cstddef>
#include <string_view>

#include "request_traits.h"

namespace larder::client {

// With 64 parts a conversation of some 25 turns is still taken apart to its fields; 1,024 requests
// take less than 10 MiB, under one with ordinary names.
inline constexpr std::size_t kMaxCoarseTraits = 64;
inline constexpr std::size_t kMaxPlaceBytes = 128;

// Adds the body's parts to `traits`, up to kMaxCoarseTraits of all: those at the top first, then
// those in them, in their order, for as long as there is room. What is not taken apart is one part
// ("/messages/3"); of a list or object with more members than there is room for, the rest is one
// ("after /messages/31"). Places are JSON pointers of at most kMaxPlaceBytes: longer names stay
// inside of what they are in. A body that is not JSON is the part "body".
void AddCoarseBody(std::string_view body, std::string_view secret, RequestTraits& traits);

}  // namespace larder::client
