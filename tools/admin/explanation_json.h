// What the admin API says of why a key is a hit or a miss.
#pragma once

#include <string>
#include <string_view>

#include "larder/explanation.h"

namespace larder::admin {

std::string ExplanationToJson(std::string_view key, const Explanation& explanation, TimePoint now);

}  // namespace larder::admin
