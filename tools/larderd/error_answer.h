// Errors of our own, in the shape that the caller's SDK knows.
#pragma once

#include <string>
#include <string_view>

#include "exchange.h"
#include "larder/status.h"

namespace larder::gateway {

// The gateway's one table from error code to HTTP status.
int ToHttpStatus(StatusCode code);

// {"error":{...}} as OpenAI, {"type":"error",...} as Anthropic writes it.
std::string ErrorJson(std::string_view dialect, int status, std::string_view message);

// The head that goes with it: only after a 503 may a caller try again by itself.
AnswerHead ErrorHead(int status);

}  // namespace larder::gateway
