// The text of client/data/prices.tsv, which CMake makes a source of.
#pragma once

#include <string_view>

namespace larder::client {

extern const std::string_view kPriceTable;

}  // namespace larder::client
