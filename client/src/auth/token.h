// Token: what a token source gave, and for how long it is good.
#pragma once

#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

struct Token {
  SecretText text;
  Duration lifetime = kForever;  // from the moment at which it was asked for; kForever = not said
};

// What a token endpoint answered (RFC 6749, section 5.1): `access_token`, `expires_in`.
// Errors: kUnavailable, never quoting the answer; of an error of OAuth its code alone.
Result<Token> ParseTokenAnswer(int status, std::string_view body);

// What a program printed: a token alone, or JSON as kubectl's credential plugins print it
// (`status.token`, `status.expirationTimestamp`), or as a token endpoint answers. `now` is the time
// of the wall clock from which the timestamp is counted.
// Errors: kUnavailable, never quoting the text.
Result<Token> ParsePrintedToken(std::string_view text, TimePoint now);

// Whether it can stand in a header field: visible ASCII (RFC 6750's b64token and all keys that
// providers give out are).
bool IsTokenText(std::string_view text);

}  // namespace larder::client
