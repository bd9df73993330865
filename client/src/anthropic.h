// The anthropic dialect and its endpoint with a cache, .../messages.
#pragma once

#include "dialect.h"

namespace larder::client {

const Dialect& AnthropicDialect();
const Endpoint& AnthropicMessages();

}  // namespace larder::client
