// MeteredBody: an answer that passes by the cache, and what it cost.
#pragma once

#include <chrono>
#include <memory>

#include "caching_core.h"
#include "dialect.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/message.h"
#include "spending.h"

namespace larder::client {

// A call whose answer nobody looks at otherwise.
struct PassingCall {
  std::shared_ptr<const CachingCore> core;
  RequestPlan plan;  // its endpoint and model only; without an endpoint nothing is known of it
  SpendingMeter meter;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

// `body`, the answer's, handed on as it comes. What `call` cost is told when it is over: by the
// usage where that can be read, else, when it is gone, by its time. What is kept to read it is
// bounded by CachingLimits::metered_bytes, and is some 64 KiB of an event stream.
std::unique_ptr<BodyReader> MeterBody(PassingCall call, const ResponseHead& head,
                                      std::unique_ptr<BodyReader> body);

}  // namespace larder::client
