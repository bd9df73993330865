#include "framing.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace larder::gateway {
namespace {

using client::EqualsIgnoreCase;

std::size_t Count(const client::Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(),
      [name](const client::Header& field) { return EqualsIgnoreCase(field.name, name); }));
}

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Refusal> CheckLength(HttpVersion version, const client::Headers& headers) {
  const std::size_t encodings = Count(headers, "transfer-encoding");
  const std::size_t lengths = Count(headers, "content-length");
  if (encodings > 0) {
    if (version == HttpVersion::k10) return Refusal{400, "transfer-encoding with HTTP/1.0"};
    if (lengths > 0) return Refusal{400, "both transfer-encoding and content-length"};
    if (encodings > 1 || !EqualsIgnoreCase(*headers.Find("transfer-encoding"), "chunked")) {
      return Refusal{400, "transfer-encoding other than one chunked"};
    }
  }
  if (lengths > 1) return Refusal{400, "more than one content-length"};
  if (lengths == 1 && !AllDigits(*headers.Find("content-length"))) {
    return Refusal{400, "content-length is not a number"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> CheckFraming(HttpVersion version, const client::Headers& headers) {
  const std::size_t hosts = Count(headers, "host");
  if (hosts > 1 || (hosts == 0 && version == HttpVersion::k11)) {
    return Refusal{400, "a request needs exactly one host field"};
  }
  if (std::optional<Refusal> refusal = CheckLength(version, headers)) return refusal;
  if (headers.Has("expect") && !EqualsIgnoreCase(headers.Joined("expect"), "100-continue")) {
    return Refusal{417, "expectation other than 100-continue"};
  }
  // Other upgrades, such as h2c, may be passed over (RFC 9110, section 7.8); without the switch
  // a WebSocket caller would wait for nothing.
  if (EqualsIgnoreCase(headers.Joined("upgrade"), "websocket")) {
    return Refusal{501, "websocket connections are not relayed"};
  }
  return std::nullopt;
}

std::optional<std::string> OriginForm(std::string target) {
  if (target.find('#') != std::string::npos) return std::nullopt;
  if (target.starts_with('/')) return target;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string::npos) return std::nullopt;
  const std::string_view name = std::string_view(target).substr(0, scheme);
  if (!EqualsIgnoreCase(name, "http") && !EqualsIgnoreCase(name, "https")) return std::nullopt;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  if (path == std::string::npos) return "/";
  return (target[path] == '/' ? "" : "/") + target.substr(path);
}

}  // namespace larder::gateway
