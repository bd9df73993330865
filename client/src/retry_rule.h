// The retry rule: which answers are trouble, which of them are worth another attempt, and when.
//
// It is the rule of the official SDKs, so that a call fares behind a cache as it would without.
#pragma once

#include <string_view>

#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/clock.h"

namespace larder::client {

// The upstream's trouble rather than the request's: 408, 409, 429, 5xx.
bool IsTrouble(int status);

// `x-should-retry`, where the answer has it; else whether it is trouble, and, for a request that
// `may_harm` when it is done twice, whether it says that it was not done at all: 429. Only for
// errors.
bool IsWorthRetrying(const ResponseHead& head, bool may_harm);

// Whether the body of a 429 says that the account is empty, which no waiting changes.
bool IsOutOfQuota(std::string_view body);

// The caller tries again by itself (an official SDK), so it gets one attempt of ours.
bool AnnouncesRetries(const Headers& request);

// base_delay doubled for each of `retries` before, at most max_delay, less up to a quarter of it;
// `random` is from [0, 1).
Duration Backoff(const RetryConfig& config, int retries, double random);

}  // namespace larder::client
