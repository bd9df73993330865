// The dialect "http": any API over HTTP, whose requests and answers are bytes.
//
// Its rules in short. Key: method, URL, body bytes and the request headers that HttpKeyHeaders
// names. GET is cached, POST where the policy says `cache_stateful`, all else passes through.
// Stored: complete 2xx answers but 206, as they are, unless HTTP's own rules speak against it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dialect.h"
#include "larder/client/config.h"
#include "larder/client/message.h"

namespace larder::client {

const Dialect& HttpDialect();
const Endpoint& HttpGet();
const Endpoint& HttpPost();

// The request headers that belong to the key: those that commonly choose between answers, and
// `provider.key_headers`.
std::vector<std::string> HttpKeyHeaders(const ProviderConfig& provider);

// Why an answer with these headers is nobody else's, as Verdict::reason, or empty: "set_cookie" (it
// began something with this caller alone), "vary" (it depends on a request header that is not in
// the key). `keyed_by_caller`: as CacheQuery has it.
std::string_view ObjectionOfHttp(const ProviderConfig& provider, const Headers& headers,
                                 bool keyed_by_caller);

// Whether a hit shows this header of the answer.
bool IsKeptByHttp(std::string_view name);

}  // namespace larder::client
