// Where a text is cut into the pieces of a replayed stream.
#pragma once

#include <cstddef>
#include <string_view>

namespace larder::client {

// How much of `text` makes the first piece, about 64 bytes: up to a blank in the second half of
// it, which then begins the next piece as it begins a model's token; else up to a whole character.
// 0 only for an empty text.
std::size_t PieceSize(std::string_view text);

}  // namespace larder::client
