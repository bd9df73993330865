// NearestName: what the writer of an unknown name most likely meant.
#pragma once

#include <span>
#include <string_view>

namespace larder::client {

// The one of `known` that is fewest edits away from `name` (insert, delete, replace, swap of
// neighbours; without regard to ASCII case); the first of equals. Empty if `known` is empty.
// The view is one of `known`'s.
std::string_view NearestName(std::string_view name, std::span<const std::string_view> known);

}  // namespace larder::client
