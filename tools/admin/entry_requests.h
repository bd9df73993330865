// The part of the admin API that is about entries: /v1/entries and /v1/entries/{key}.
#pragma once

#include "admin_request.h"
#include "larder/cache.h"

namespace larder::admin {

inline constexpr std::string_view kEntriesPath = "/v1/entries";

// Of a request whose path is kEntriesPath, or begins with it and a slash (admin_service.h lists
// them).
AdminAnswer HandleEntries(Cache& cache, const AdminRequest& request);

}  // namespace larder::admin
