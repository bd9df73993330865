// JWT: a signed claim (RFC 7519, 7515) with which a service account asks for a token (RFC 7523).
#pragma once

#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// Base64 with the alphabet for URLs and without padding (RFC 4648, section 5).
std::string Base64Url(std::string_view bytes);

// RS256 over `text`, in Base64Url. `key` is an RSA private key in PEM.
// Errors: kInvalidArgument (not such a key).
Result<std::string> SignRs256(std::string_view text, const SecretText& key);

// Google's service account, as the JSON file that its console hands out.
struct ServiceAccount {
  std::string client_email;
  std::string private_key_id;  // may be empty
  SecretText private_key;
  std::string token_uri;
};
// Errors: kInvalidArgument, naming the field that is missing, quoting nothing.
Result<ServiceAccount> ParseServiceAccount(std::string_view json);

// Good for an hour from a little before `now`, so that a clock that is ahead by less does no harm.
// Errors: kInvalidArgument (the key).
Result<std::string> MakeAssertion(const ServiceAccount& account, std::string_view scope,
                                  TimePoint now);

}  // namespace larder::client
