// AdminClient: speaks the admin API to the process that serves it on a unix socket.
#pragma once

#include <string>

#include "admin_request.h"
#include "larder/result.h"

namespace larder::admin {

// One exchange with the process that listens on `socket`.
// Errors: kUnavailable (nobody listens, or the connection broke), kDeadlineExceeded (no answer
// within a minute, unless the request is slow), kInvalidArgument (no such folder, not a socket).
Result<AdminAnswer> CallAdmin(const std::string& socket, const AdminRequest& request);

}  // namespace larder::admin
