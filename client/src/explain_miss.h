// What Larder-Explain says: why a request is not answered from the cache.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "larder/client/directives.h"

namespace larder::client {

// `stored`: what the store says of the key (Explanation::ToString); `detail`: that of Cache-Status.
std::string WhyMissed(const Directives& directives, std::string_view detail, std::string stored);

// Of a request that goes past the cache because of `detail`, which may be empty.
std::string WhyBypassed(std::string_view detail);

// Of a batch: `reasons` is why each of its inputs is missing, in order; empty where it is not.
std::string WhyInputsMissed(const std::vector<std::string>& reasons);

}  // namespace larder::client
