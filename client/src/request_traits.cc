#include "request_traits.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "ascii.h"
#include "hmac.h"
#include "http_dialect.h"
#include "larder/client/credentials.h"
#include "larder/client/request_key.h"
#include "packing.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Leaf by leaf; an empty list or object is a leaf.
void AddBody(const json& value, const std::string& place, std::string_view secret,
             RequestTraits& traits) {
  if (traits.size() >= kMaxTraits) return;
  if (value.is_structured() && !value.empty()) {
    for (const auto& [name, member] : value.items()) {
      AddBody(member, place + "/" + name, secret, traits);
    }
    return;
  }
  traits[place] = HashTrait(value.dump(-1, ' ', false, json::error_handler_t::replace), secret);
}

// Parts of the body begin with a slash and come last.
bool IsBefore(std::string_view a, std::string_view b) {
  const bool body_a = a.starts_with('/');
  const bool body_b = b.starts_with('/');
  return body_a != body_b ? body_b : a < b;
}

}  // namespace

std::uint64_t HashTrait(std::string_view value, std::string_view secret) {
  const Mac mac = HmacSha256(secret, value);
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < sizeof(hash); ++i) hash = hash << 8 | mac.at(i);
  return hash;
}

RequestTraits HeadTraitsOf(const Request& request, const ProviderConfig& provider,
                           std::string_view secret) {
  RequestTraits traits;
  const auto add = [&](const std::string& place, std::string_view value) {
    traits[place] = HashTrait(value, secret);
  };
  add("provider", provider.base_url);
  add("path", WithoutCredentials(request.target));
  add("namespace", request.directives.name_space);
  add("sample", std::to_string(request.directives.sample));
  const bool plain_http = provider.dialect == "http";
  const std::vector<std::string> key_headers =
      plain_http ? HttpKeyHeaders(provider) : provider.key_headers;
  for (const Header& field : request.headers) {
    if (!IsKeyHeader(field.name, key_headers)) continue;
    add("header " + LowerAscii(field.name), request.headers.Joined(field.name));
  }
  if (request.directives.key) add("Larder-Key", *request.directives.key);
  return traits;
}

RequestTraits TraitsOf(const Request& request, const ProviderConfig& provider,
                       std::string_view canonical_body, std::string_view secret) {
  RequestTraits traits = HeadTraitsOf(request, provider, secret);
  if (request.directives.key) return traits;
  const json body = json::parse(canonical_body, nullptr, /*allow_exceptions=*/false);
  AddBody(body, "", secret, traits);
  return traits;
}

std::vector<std::string_view> DifferingPlaces(const RequestTraits& a, const RequestTraits& b,
                                              std::size_t most) {
  std::vector<std::string_view> places;
  auto in_a = a.begin();
  auto in_b = b.begin();
  while ((in_a != a.end() || in_b != b.end()) && places.size() <= most) {
    if (in_b == b.end() || (in_a != a.end() && in_a->first < in_b->first)) {
      places.emplace_back((in_a++)->first);
    } else if (in_a == a.end() || in_b->first < in_a->first) {
      places.emplace_back((in_b++)->first);
    } else {
      if (in_a->second != in_b->second) places.emplace_back(in_a->first);
      ++in_a;
      ++in_b;
    }
  }
  std::sort(places.begin(), places.end(), IsBefore);
  return places;
}

TraitDifference Compare(const RequestTraits& a, const RequestTraits& b) {
  const std::vector<std::string_view> places = DifferingPlaces(a, b, a.size() + b.size());
  return {places.size(), places.empty() ? "" : std::string(places.front())};
}

std::string EncodeTraits(const RequestTraits& traits) {
  std::string out;
  for (const auto& [place, hash] : traits) {
    PackString(place, out);
    PackNumber(hash, out);
  }
  return out;
}

std::optional<RequestTraits> DecodeTraits(std::string_view text) {
  Unpacker in(text);
  RequestTraits traits;
  while (!in.failed() && !in.finished()) {
    std::string place(in.String());
    traits[std::move(place)] = in.Number();
  }
  if (in.failed()) return std::nullopt;
  return traits;
}

}  // namespace larder::client
