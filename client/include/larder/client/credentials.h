// Credentials: by what in a request its provider, and so the cache, knows who asks.
//
// For every provider: authorization, x-api-key, api-key, x-goog-api-key, cookie, `?key=`. An API
// that nobody here knows (dialect "http") may look at any other field: of requests to it every
// field is one whose name sounds like it, such as x-auth-token, ocp-apim-subscription-key or
// x-forwarded-user. One too many costs hits, one too few hands an answer to somebody else. What has
// another name still belongs to one of providers.*.key_headers, which keeps answers apart as well.
#pragma once

#include <string>
#include <string_view>

#include "larder/client/message.h"

namespace larder::client {

// Where they are looked for. Views into the request.
struct CredentialPlaces {
  const Headers& headers;
  std::string_view target;
  std::string_view dialect;  // of the provider
};

bool IsCredentialHeader(std::string_view name, std::string_view dialect);
bool HasCredentials(const CredentialPlaces& places);

// The scope of a caller: a keyed hash (HMAC-SHA-256, hex) of all credentials in the request. Never
// empty.
std::string CredentialScope(const CredentialPlaces& places, std::string_view secret);
// Whether a scope was made like that, so that all who have it are one caller; any other is shared
// by callers who need not have anything in common.
bool IsCredentialScope(std::string_view scope);

// Whether the field is taken off where a credential of our own goes up: all but those that only
// sound like credentials, which may as well say what is asked for.
bool IsReplacedCredential(std::string_view name);
// Takes those off.
void RemoveCredentials(Headers& headers);
// `target` without credentials in its query.
std::string WithoutCredentials(std::string_view target);

}  // namespace larder::client
