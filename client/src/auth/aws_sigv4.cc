#include "auth/aws_sigv4.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "ascii.h"

namespace larder::client {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr char kUpperHex[] = "0123456789ABCDEF";

std::string LowerHex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    hex += LowerAscii(kUpperHex[static_cast<unsigned char>(c) >> 4]);
    hex += LowerAscii(kUpperHex[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

std::string Sha256Hex(std::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return LowerHex(digest);
}

std::string Hmac(std::string_view key, std::string_view text) {
  std::string mac(SHA256_DIGEST_LENGTH, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
}

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

// All but `keep` and unreserved characters as %XX.
std::string Encode(std::string_view text, char keep) {
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c) || c == keep) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kUpperHex[static_cast<unsigned char>(c) >> 4];
      encoded += kUpperHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return encoded;
}

// Without `.` and `..` segments and doubled slashes.
std::string NormalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") segments.push_back(segment);
    at = end + 1;
  }
  std::string normal;
  for (const std::string_view segment : segments) normal += "/" + std::string(segment);
  if (normal.empty() || path.ends_with('/')) normal += '/';
  return normal;
}

// By name, then by value; `a` and `a=` are the same.
std::string CanonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    // What is encoded already stays so: `%` is kept.
    if (!pair.empty()) {
      pairs.emplace_back(Encode(pair.substr(0, equals), '%'),
                         Encode(pair.substr(std::min(equals + 1, pair.size())), '%'));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::ranges::sort(pairs);
  std::string text;
  for (const auto& [name, value] : pairs) {
    text += (text.empty() ? "" : "&") + name + "=" + value;
  }
  return text;
}

// Trimmed, runs of blanks as one.
std::string CanonicalValue(std::string_view value) {
  std::string text;
  for (const char c : TrimBlanks(value)) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) text += c;
    if (blank && !text.ends_with(' ')) text += ' ';
  }
  return text;
}

std::map<std::string, std::string> SignedFields(const Request& request, std::string_view host) {
  std::map<std::string, std::string> fields;
  for (const Header& field : request.headers) {
    const std::string name = LowerAscii(field.name);
    if (name != "content-type" && !name.starts_with("x-amz-")) continue;
    std::string& value = fields[name];
    value += (value.empty() ? "" : ",") + CanonicalValue(field.value);
  }
  fields["host"] = host;
  return fields;
}

std::string Timestamp(TimePoint now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc)};
}

std::string SigningKey(const AwsCredentials& credentials, const AwsScope& scope,
                       std::string_view day) {
  std::string first("AWS4");
  first += credentials.secret_access_key.Reveal();
  const std::string dated = Hmac(first, day);
  WipeText(first);
  return Hmac(Hmac(Hmac(dated, scope.region), scope.service), "aws4_request");
}

}  // namespace

void SignAws(const AwsCredentials& credentials, const AwsScope& scope, std::string_view host,
             std::string_view path, TimePoint now, Request& request) {
  const std::string time = Timestamp(now);
  const std::string day = time.substr(0, 8);
  request.headers.Set("x-amz-date", time);
  for (const char* name : {"x-amz-security-token", "x-amz-content-sha256"}) {
    request.headers.Remove(name);
  }
  if (!credentials.session_token.empty()) {
    request.headers.Set("x-amz-security-token", std::string(credentials.session_token.Reveal()));
  }
  const std::string target = std::string(path) + request.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string query = target.substr(std::min(question + 1, target.size()));

  std::string lines;
  std::string names;
  for (const auto& [name, value] : SignedFields(request, host)) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      request.method + "\n" + Encode(NormalPath(target.substr(0, question)), '/') + "\n" +
      CanonicalQuery(query) + "\n" + lines + "\n" + names + "\n" + Sha256Hex(request.body);
  const std::string place = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + time + "\n" + place + "\n" + Sha256Hex(canonical);
  const std::string signature = LowerHex(Hmac(SigningKey(credentials, scope, day), to_sign));
  request.headers.Set("authorization",
                      std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" +
                          place + ", SignedHeaders=" + names + ", Signature=" + signature);
}

}  // namespace larder::client
