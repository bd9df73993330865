// TokenEndpoint: asks a server for a token by a form, over the client's own transport.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/token.h"
#include "larder/client/message.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

using FormFields = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded, one text.
std::string FormEncode(std::string_view text);

// `url` in two: what the transport takes for its base, and the target.
struct SplitUrl {
  std::string base;    // "https://host:port"
  std::string target;  // "/token?x=1"
};
SplitUrl SplitTokenUrl(std::string_view url);

struct TokenAnswer {
  Result<Token> token;
  std::optional<TimePoint> date = std::nullopt;  // of the endpoint's clock, if it said so
};

// Posts `fields` to `url`, with `headers` besides, and reads the token from the answer. Over TLS,
// unless the host is this machine: secrets travel here.
// Errors: kUnavailable (no answer; an answer without a token), naming the host.
boost::asio::awaitable<TokenAnswer> AskForToken(boost::asio::io_context& io, std::string url,
                                                FormFields fields, Headers headers);

}  // namespace larder::client
