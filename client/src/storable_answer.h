// StorableAnswer: an answer as received, judged and brought into the shape in which it is stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cache_query.h"
#include "caching_core.h"
#include "dialect.h"
#include "larder/client/message.h"
#include "larder/options.h"
#include "response_cache.h"
#include "spending.h"
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
  Spent spent;           // on the call; nothing on an error
};

// What the head of an answer of `endpoint` says of how it is handed on.
AnswerKind KindOf(const ResponseHead& head, const Endpoint& endpoint);

// Why an answer of plain HTTP is nobody else's, as Refusals counts it, or empty: neither stored nor
// given to those who wait for the same. ObjectionOfHttp(), or "no_store", where the upstream's word
// on that counts.
std::string_view ObjectionToSharing(const CachingCore& core, const CacheQuery& query,
                                    const Headers& headers);

// Whether it is an error that is remembered for a while.
bool IsNegative(const CachingCore& core, const ResponseHead& head);

// Why an answer whose body is not looked at is not stored, as Refusals counts it: its status, else
// `what_else`.
std::string_view WhyUnread(int status, std::string_view what_else);

// The usage that an answer told, unless it is that of a part: of one that was cut, or of a stream
// that could not be read to its end.
std::optional<Usage> WholeUsage(const Verdict& verdict, AnswerKind kind);

// Parses the body: for a large one not on an io thread.
StorableAnswer MakeStorable(const CachingCore& core, const CacheQuery& query, FetchedAnswer answer);

}  // namespace larder::client
