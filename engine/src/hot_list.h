// HotList: the keys of what was hot, in a file, so that a cache that is opened anew has it in
// memory again before it is asked for. docs/format.md has its bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "larder/result.h"

namespace larder {

// The hottest first, as many as fit.
std::string EncodeHotList(std::span<const std::string> keys, std::size_t most_bytes);
// Errors: kDataLoss.
Result<std::vector<std::string>> DecodeHotList(std::string_view bytes);

}  // namespace larder
