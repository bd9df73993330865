// The deadline of one caller, which ends its own waiting and nothing that others wait for too.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "larder/client/asio/http_service.h"

namespace larder::client {

// What `call` answers; kDeadlineExceeded, and `call` is cancelled, if that is not there by
// `deadline`. Reads of the body end by then too.
boost::asio::awaitable<Result<Response>> EndBy(std::chrono::steady_clock::time_point deadline,
                                               boost::asio::awaitable<Result<Response>> call);

}  // namespace larder::client
