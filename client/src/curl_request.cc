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

// "host", without the port and the brackets of an IPv6 address.
std::string_view HostOf(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) return url.substr(1, url.find(']') - 1);
  return url.substr(0, url.find(':'));
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

bool MayRepeat(const Request& request) {
  constexpr std::string_view kIdempotent[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return request.repeatable || request.headers.Has("idempotency-key") ||
         std::find(std::begin(kIdempotent), std::end(kIdempotent), request.method) !=
             std::end(kIdempotent);
}

bool IsLoopback(std::string_view url) {
  const std::string_view host = HostOf(url);
  return EqualsIgnoreCase(host, "localhost") || host.starts_with("127.") || host == "::1";
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
