// AwsSigV4: AWS Signature Version 4 in a request's headers.
#pragma once

#include <string>
#include <string_view>

#include "larder/client/message.h"
#include "larder/client/secret_text.h"
#include "larder/clock.h"

namespace larder::client {

struct AwsCredentials {
  std::string access_key_id;
  SecretText secret_access_key;
  SecretText session_token;  // empty = none
};

struct AwsScope {
  std::string region;
  std::string service;
};

// Sets `x-amz-date`, `authorization` and, where there is one, `x-amz-security-token`; a caller's
// own `x-amz-content-sha256` is taken off, its body may have changed. `host` is what the `host`
// field will be; `path` what comes before the request's target on the wire (the path of the base
// URL). Signed are `host`, `content-type` and all `x-amz-` fields: what is added on the way, by a
// proxy or by libcurl, must not break the signature. `target` is signed as it is sent, its path
// encoded once more, as all services but S3 want it.
void SignAws(const AwsCredentials& credentials, const AwsScope& scope, std::string_view host,
             std::string_view path, TimePoint now, Request& request);

}  // namespace larder::client
