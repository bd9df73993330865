// AdminClient: speaks the admin API to the process that serves it, on a unix socket or over TCP.
#pragma once

#include <string>
#include <string_view>

#include "admin_request.h"
#include "larder/result.h"

namespace larder::admin {

// One exchange with the process that listens on `socket`.
// Errors: kUnavailable (nobody listens, or the connection broke), kDeadlineExceeded (no answer
// within a minute, unless the request is slow), kInvalidArgument (no such folder, not a socket).
Result<AdminAnswer> CallAdmin(const std::string& socket, const AdminRequest& request);
// The same at `url`, "http://host:port" or "https://host:port", with the bearer token. Errors: as
// above, kInvalidArgument if it is not such a URL.
Result<AdminAnswer> CallAdminAt(const std::string& url, std::string_view token,
                                const AdminRequest& request);

}  // namespace larder::admin
