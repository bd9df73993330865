#include "caller_config.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "larder/client/config_keys.h"

namespace larder::tools {
namespace {

using client::ConfigDocument;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxNamespaceBytes = 64;
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

Status Refuse(const ConfigDocument& document, const std::string& pointer,
              const std::string& complaint) {
  return {StatusCode::kInvalidArgument,
          document.Origin(pointer) + ": " + pointer + ": " + complaint};
}

std::optional<unsigned char> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned char>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned char>(c - 'a' + 10);
  return std::nullopt;
}

bool ReadDigest(const std::string& text, std::array<unsigned char, 32>& digest) {
  if (text.size() != 2 * digest.size()) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto high = HexDigit(text[2 * i]);
    const auto low = HexDigit(text[2 * i + 1]);
    if (!high || !low) return false;
    digest.at(i) = static_cast<unsigned char>(*high << 4 | *low);
  }
  return true;
}

Result<CallerConfig> ReadCaller(const ConfigDocument& document, const std::string& name) {
  const std::string place = "/gateway/clients" + client::ToPointer({name});
  if (name.size() > kMaxNameBytes || name.find_first_not_of(kNameCharacters) != name.npos) {
    return Refuse(document, place, "the name of a client is 1 to 64 letters, digits, . _ and -");
  }
  CallerConfig caller;
  caller.name = name;
  if (!ReadDigest(document.Text(place + "/key_sha256"), caller.key_sha256)) {
    return Refuse(document, place + "/key_sha256",
                  "not the SHA-256 of a key: 64 hex digits in lower case, as `cachectl client add` "
                  "writes them");
  }
  caller.name_space =
      document.IsNull(place + "/namespace") ? name : document.Text(place + "/namespace");
  // What a caller says of its own comes after a slash.
  if (caller.name_space.empty() || caller.name_space.size() > kMaxNamespaceBytes ||
      caller.name_space.find('/') != std::string::npos) {
    return Refuse(document, place + "/namespace", "not 1 to 64 bytes without a slash");
  }
  if (!document.IsNull(place + "/providers"))
    caller.providers = document.List(place + "/providers");
  if (!document.IsNull(place + "/models")) caller.models = document.List(place + "/models");
  caller.requests_per_minute =
      static_cast<std::uint64_t>(document.Integer(place + "/requests_per_minute"));
  if (!document.IsNull(place + "/usd_per_day")) {
    caller.microusd_per_day =
        static_cast<std::uint64_t>(std::llround(document.Number(place + "/usd_per_day") * 1e6));
  }
  return caller;
}

}  // namespace

Result<std::vector<CallerConfig>> ReadCallers(const ConfigDocument& document) {
  std::vector<CallerConfig> callers;
  std::set<std::array<unsigned char, 32>> keys;
  for (const std::string& name : document.Names("/gateway/clients")) {
    Result<CallerConfig> caller = ReadCaller(document, name);
    if (!caller.ok()) return caller.status();
    if (!keys.insert(caller->key_sha256).second) {
      return Refuse(document, "/gateway/clients" + client::ToPointer({name, "key_sha256"}),
                    "the key of another client: each needs its own");
    }
    callers.push_back(*std::move(caller));
  }
  return callers;
}

}  // namespace larder::tools
