#include "callers.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "larder/client/policy.h"

namespace larder::gateway {
namespace {

bool Allows(const std::vector<std::string>& patterns, std::string_view name) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [name](const std::string& pattern) {
           return client::MatchesPattern(pattern, name);
         });
}

// "Bearer key" -> "key"; what has no scheme is as it is.
std::string_view WithoutScheme(std::string_view field) {
  constexpr std::string_view kBearer = "bearer ";
  if (client::EqualsIgnoreCase(field.substr(0, kBearer.size()), kBearer)) {
    field.remove_prefix(kBearer.size());
  }
  const std::size_t begin = std::min(field.find_first_not_of(' '), field.size());
  return field.substr(begin);
}

}  // namespace

bool Caller::MayUseProvider(std::string_view provider) const {
  return Allows(config.providers, provider);
}

bool Caller::MayUseModel(std::string_view model) const { return Allows(config.models, model); }

bool Caller::IsOutOfBudget(CallerAccount::Day today) const {
  return config.microusd_per_day && account->Spent(today) >= *config.microusd_per_day;
}

Callers::Callers(const std::vector<tools::CallerConfig>& configs, CallerAccounts& accounts) {
  for (const tools::CallerConfig& config : configs) {
    callers_.push_back({config, accounts.Of(config.name)});
  }
}

const Caller* Callers::Find(std::string_view key) const {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  // All are compared, each in the same time, whichever it is.
  const Caller* found = nullptr;
  for (const Caller& caller : callers_) {
    const bool same =
        CRYPTO_memcmp(digest.data(), caller.config.key_sha256.data(), digest.size()) == 0;
    found = same ? &caller : found;
  }
  return found;
}

const Caller* Callers::Identify(client::Headers& headers) const {
  for (const char* name : {"authorization", "x-api-key", "api-key"}) {
    const std::string* field = headers.Find(name);
    if (field == nullptr) continue;
    const Caller* caller = Find(WithoutScheme(*field));
    if (caller == nullptr) continue;
    headers.Remove(name);
    return caller;
  }
  return nullptr;
}

}  // namespace larder::gateway
