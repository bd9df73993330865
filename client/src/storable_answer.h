// StorableAnswer: an answer as received, judged and brought into the shape in which it is stored.
#pragma once

#include <string>
#include <string_view>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/message.h"
#include "larder/options.h"
#include "response_cache.h"
#include "stored_response.h"

namespace larder::client {

// A complete answer that may be stored.
struct FetchedAnswer {
  FlightHead head;
  bool ends_by_close = false;
  std::string body;
  Duration took{0};  // from the request to the answer's end
};

struct StorableAnswer {
  StoredResponse info;
  std::string body;
  WriteOptions options;  // ttl 0 if it may only be handed over
};

// What the head of an answer of `endpoint` says of how it is handed on.
AnswerKind KindOf(const ResponseHead& head, const Endpoint& endpoint);

// Whether it is an error that is remembered for a while.
bool IsNegative(const CachingCore& core, const ResponseHead& head);

// Why an answer whose body is not looked at is not stored, as Refusals counts it.
std::string_view WhyOpaque(int status, bool too_large);

// Parses the body: for a large one not on an io thread.
StorableAnswer MakeStorable(const CachingCore& core, const CacheQuery& query, FetchedAnswer answer);

}  // namespace larder::client
