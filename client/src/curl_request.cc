#include "curl_request.h"

#include <algorithm>

namespace larder::client {
namespace {

bool IsToken(std::string_view text) {
  constexpr std::string_view kPunctuation = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kPunctuation.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool IsValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

bool IsTarget(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c > 0x20 && c < 0x7f && c != '#';
         });
}

}  // namespace

Status CheckRequest(const Request& request) {
  if (!IsToken(request.method) || request.method == "CONNECT") {
    return {StatusCode::kInvalidArgument, "not a request method that can be sent"};
  }
  if (!IsTarget(request.target)) {
    return {StatusCode::kInvalidArgument,
            "the request target must begin with / and have no blank, control or # character"};
  }
  for (const Header& field : request.headers) {
    if (!IsToken(field.name) || !IsValue(field.value)) {
      return {StatusCode::kInvalidArgument, "a request header field is malformed"};
    }
  }
  return Status::Ok();
}

Status CheckBaseUrl(std::string_view url) {
  const bool scheme = url.starts_with("http://") || url.starts_with("https://");
  const std::size_t rest = url.find("://");
  const bool plain = std::all_of(url.begin(), url.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '#' && c != '?' && c != '@' && c != '\\';
  });
  if (scheme && plain && url.size() > rest + 3 && url[rest + 3] != '/' && url.back() != '/') {
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument,
          "base_url must be http(s)://host[:port][/path] without credentials, query, fragment or "
          "trailing slash"};
}

BaseUrl SplitBaseUrl(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  BaseUrl parts;
  parts.scheme = url.substr(0, scheme_end);
  url.remove_prefix(scheme_end + 3);
  const std::size_t path = std::min(url.find('/'), url.size());
  parts.path = url.substr(path);
  const std::string_view authority = url.substr(0, path);
  // The colons of an IPv6 address are within its brackets.
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  parts.host = authority.substr(0, colon);
  if (colon != authority.npos) parts.port = authority.substr(colon + 1);
  if (parts.port.empty()) parts.port = parts.scheme == "https" ? "443" : "80";
  return parts;
}

std::string HostField(std::string_view base_url) {
  const BaseUrl parts = SplitBaseUrl(base_url);
  const std::string usual = parts.scheme == "https" ? "443" : "80";
  return parts.port == usual ? parts.host : parts.host + ":" + parts.port;
}

bool MayRepeat(const Request& request) {
  constexpr std::string_view kIdempotent[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return request.repeatable || request.headers.Has("idempotency-key") ||
         std::find(std::begin(kIdempotent), std::end(kIdempotent), request.method) !=
             std::end(kIdempotent);
}

bool IsLoopback(std::string_view url) {
  const std::string host = SplitBaseUrl(url).host;
  const bool number = host.find_first_not_of("0123456789.") == host.npos;
  return EqualsIgnoreCase(host, "localhost") || (number && host.starts_with("127.")) ||
         host == "[::1]";
}

std::vector<std::string> HeaderLines(const Headers& headers) {
  Headers fields = headers;
  fields.RemoveHopByHop();
  for (const char* name : {"host", "content-length", "expect"}) fields.Remove(name);
  std::vector<std::string> lines;
  // A name and a colon alone: libcurl sends no field of that name.
  for (const char* name : {"Accept", "Content-Type", "Expect", "User-Agent"}) {
    if (!fields.Has(name)) lines.push_back(std::string(name) + ":");
  }
  for (const Header& field : fields) {
    // A semicolon stands for an empty value.
    lines.push_back(field.value.empty() ? field.name + ";" : field.name + ": " + field.value);
  }
  return lines;
}

}  // namespace larder::client
