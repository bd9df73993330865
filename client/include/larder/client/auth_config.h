// AuthConfig: with which credential of our own a provider is asked: `providers.*.auth`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "larder/client/secret.h"

namespace larder::client {

enum class AuthMethod {
  kPassThrough,  // the caller's credential goes up as it came
  kBearer,       // authorization: Bearer TOKEN
  kApiKey,       // a key in a header field of any name
  kOAuth2,       // client credentials (RFC 6749, section 4.4)
  kGoogle,       // a service account's signed claim (RFC 7523)
  kAwsSigV4,     // AWS Signature Version 4
  kCommand,      // what a program prints
};

// How a client shows its secret to a token endpoint (RFC 6749, section 2.3.1).
enum class ClientAuth { kBasic, kPost };

// Which members count, and must have a value, goes by the method; docs/configuration.md has them.
struct AuthConfig {
  AuthMethod method = AuthMethod::kPassThrough;
  std::optional<Secret> token;
  std::optional<Secret> key;
  std::string header;
  std::string token_url;
  std::string client_id;
  std::optional<Secret> client_secret;
  ClientAuth client_auth = ClientAuth::kBasic;
  std::string scope;
  std::optional<Secret> credentials;
  std::optional<Secret> access_key_id;
  std::optional<Secret> secret_access_key;
  std::optional<Secret> session_token;
  std::string region;
  std::string service;
  std::vector<std::string> command;
  friend bool operator==(const AuthConfig&, const AuthConfig&) = default;
};

}  // namespace larder::client
