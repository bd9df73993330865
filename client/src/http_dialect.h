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

// Why an answer of its is not stored, as Verdict::reason, or empty: "no_end" (its length was not
// told, so that it may be cut), "vary" (it depends on a request header that is not in the key),
// "set_cookie" (it began something with this caller alone).
std::string_view ObjectionOfHttp(const ProviderConfig& provider, const Headers& headers,
                                 bool ends_by_close);

// Whether a hit shows this header of the answer.
bool IsKeptByHttp(std::string_view name);

}  // namespace larder::client
