#include "larder/client/credentials.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ascii.h"
#include "hmac.h"
#include "key_parts.h"
#include "percent_encoding.h"

namespace larder::client {
namespace {

constexpr std::size_t kScopeBytes = 32;  // of SHA-256

constexpr std::string_view kEverywhere[] = {
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
};

// What names of fields have in them that carry a secret, or say for whom a proxy in front asks.
constexpr std::string_view kSigns[] = {
    "account", "auth", "bearer",    "cert",   "cookie",  "credential", "identity", "jwt",   "key",
    "login",   "pass", "principal", "secret", "session", "sign",       "tenant",   "token", "user",
};

// Fields that have one of those in their names and say nothing of the sort. Browsers alone write
// what begins with "sec-"; an idempotency-key is another one for each request.
bool IsHarmless(std::string_view lower) {
  return lower.starts_with("sec-") || lower.find("user-agent") != lower.npos ||
         lower.find("idempotency") != lower.npos;
}

bool SoundsLikeOne(std::string_view name) {
  const std::string lower = LowerAscii(name);
  return !IsHarmless(lower) &&
         std::any_of(std::begin(kSigns), std::end(kSigns),
                     [&](std::string_view sign) { return lower.find(sign) != lower.npos; });
}

struct SplitTarget {
  std::string without;                   // the target without its credentials
  std::vector<std::string> credentials;  // values of `key`, as they stood there
};

SplitTarget SplitCredentials(std::string_view target) {
  SplitTarget split;
  const std::size_t question = target.find('?');
  split.without = target.substr(0, question);
  if (question == std::string_view::npos) return split;

  std::string_view rest = target.substr(question + 1);
  char separator = '?';
  while (true) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view field = rest.substr(0, end);
    const std::size_t equals = std::min(field.find('='), field.size());
    if (PercentDecoded(field.substr(0, equals)) == "key") {
      split.credentials.emplace_back(field.substr(std::min(equals + 1, field.size())));
    } else {
      split.without += separator;
      split.without += field;
      separator = '&';
    }
    if (end == rest.size()) return split;
    rest.remove_prefix(end + 1);
  }
}

// Those that are credentials of this dialect alone, by name, so that their order does not matter.
void AppendOthers(const CredentialPlaces& places, std::string& out) {
  std::vector<std::pair<std::string, const std::string*>> others;
  for (const Header& field : places.headers) {
    if (IsReplacedCredential(field.name)) continue;
    if (!IsCredentialHeader(field.name, places.dialect)) continue;
    others.emplace_back(LowerAscii(field.name), &field.value);
  }
  std::stable_sort(others.begin(), others.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [name, value] : others) {
    AppendPart(name, out);
    AppendPart(*value, out);
  }
}

std::string CredentialsAt(const CredentialPlaces& places) {
  std::string credentials;
  for (const std::string_view name : kEverywhere) {
    for (const Header& field : places.headers) {
      if (!EqualsIgnoreCase(field.name, name)) continue;
      AppendPart(name, credentials);
      AppendPart(field.value, credentials);
    }
  }
  for (const std::string& value : SplitCredentials(places.target).credentials) {
    AppendPart("?key", credentials);
    AppendPart(value, credentials);
  }
  AppendOthers(places, credentials);
  return credentials;
}

}  // namespace

bool IsReplacedCredential(std::string_view name) {
  return std::any_of(std::begin(kEverywhere), std::end(kEverywhere),
                     [&](std::string_view one) { return EqualsIgnoreCase(one, name); });
}

bool IsCredentialHeader(std::string_view name, std::string_view dialect) {
  return IsReplacedCredential(name) || (dialect == "http" && SoundsLikeOne(name));
}

bool HasCredentials(const CredentialPlaces& places) {
  const auto is_one = [&](const Header& field) {
    return IsCredentialHeader(field.name, places.dialect);
  };
  return std::any_of(places.headers.begin(), places.headers.end(), is_one) ||
         !SplitCredentials(places.target).credentials.empty();
}

std::string CredentialScope(const CredentialPlaces& places, std::string_view secret) {
  std::string credentials = CredentialsAt(places);
  const Mac mac = HmacSha256(secret, credentials);
  OPENSSL_cleanse(credentials.data(), credentials.size());
  return Hex(mac.data(), mac.size());
}

bool IsCredentialScope(std::string_view scope) {
  return scope.size() == 2 * kScopeBytes &&
         scope.find_first_not_of("0123456789abcdef") == scope.npos;
}

void RemoveCredentials(Headers& headers) {
  for (const std::string_view name : kEverywhere) headers.Remove(name);
}

std::string WithoutCredentials(std::string_view target) { return SplitCredentials(target).without; }

}  // namespace larder::client
