// Errors of our own; larder/client/error_body.h has their bodies.
#pragma once

#include "exchange.h"
#include "larder/status.h"

namespace larder::gateway {

// The gateway's one table from error code to HTTP status.
int ToHttpStatus(StatusCode code);

// The head of an error answer: only after a 503 may a caller try again by itself.
AnswerHead ErrorHead(int status);

}  // namespace larder::gateway
