// What of a Request may go on the wire, and how libcurl wants it spelled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "larder/client/message.h"
#include "larder/status.h"

namespace larder::client {

// Ok, or kInvalidArgument: a method, target or header that would break the framing of HTTP.
Status CheckRequest(const Request& request);
// Ok, or kInvalidArgument: not http(s)://authority[/path] without credentials, query or fragment.
Status CheckBaseUrl(std::string_view url);

// Of one that satisfies CheckBaseUrl().
struct BaseUrl {
  std::string scheme;
  std::string host;  // an IPv6 address in its brackets
  std::string port;  // the scheme's own, if it names none
  std::string path;  // "" or "/..."
};
BaseUrl SplitBaseUrl(std::string_view url);
// What the `host` field of requests to it is.
std::string HostField(std::string_view base_url);

// Whether sending it once more does no harm: an idempotent method, an idempotency-key, or a
// decorator's word. Any other request may be sent again only if the server cannot have read it.
bool MayRepeat(const Request& request);

// The host is this machine by name or number; such are never reached through a proxy.
bool IsLoopback(std::string_view url);

// Header lines for libcurl: the request's, without those that libcurl writes or that concern one
// connection, and with what keeps libcurl from adding fields of its own.
std::vector<std::string> HeaderLines(const Headers& headers);

}  // namespace larder::client
