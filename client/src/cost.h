// What an answer cost, from its usage and the configured prices.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "dialect.h"
#include "larder/client/config.h"

namespace larder::client {

// The price of the model as the answer names it, else as the request does (an answer names a
// dated version of it); nullptr if neither has one. Valid as long as `prices`.
const Price* FindPrice(const std::map<std::string, Price>& prices, std::string_view answer_model,
                       std::string_view request_model);

// Millionths of a US dollar, rounded to the nearest. Cached input tokens count like the others.
std::uint64_t CostMicrousd(const Usage& usage, const Price& price);

}  // namespace larder::client
