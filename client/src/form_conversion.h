// From the form in which an answer is stored to the form in which it is wanted.
#pragma once

#include <vector>

#include "dialect.h"
#include "larder/result.h"
#include "larder/shared_bytes.h"
#include "response_cache.h"

namespace larder::client {

struct WantedForm {
  bool stream = false;
  bool usage = false;  // of a stream: with the event that reports it
};

// Whether it can be given: not if the usage that is wanted was never asked for. A JSON answer
// always has its usage, if any.
bool CanGive(const StoredResponse& info, const WantedForm& wanted);

// Costs no work if CanGive() and the answer is stored in that form; else it parses the body.
bool IsStoredAs(const StoredResponse& info, const WantedForm& wanted);

// The body's pieces; they share the answer's bytes where they can. Errors: kDataLoss (it cannot be
// brought into that form).
Result<std::vector<SharedBytes>> GiveBody(const CachedResponse& response, const WantedForm& wanted);

}  // namespace larder::client
