#include "request_traits.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "ascii.h"
#include "larder/client/request_key.h"
#include "packing.h"

namespace larder::client {
namespace {

using nlohmann::json;

std::uint64_t HashOf(std::string_view value, std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(value.data()), value.size(), digest.data(), &size);
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < sizeof(hash); ++i) hash = hash << 8 | digest.at(i);
  return hash;
}

class Collector {
 public:
  explicit Collector(std::string_view secret) : secret_(secret) {}

  void Add(const std::string& place, std::string_view value) {
    if (traits_.size() < kMaxTraits) traits_[place] = HashOf(value, secret_);
  }

  // Leaf by leaf; an empty list or object is a leaf.
  void AddBody(const json& value, const std::string& place) {
    if (traits_.size() >= kMaxTraits) return;
    if (value.is_structured() && !value.empty()) {
      for (const auto& [name, member] : value.items()) AddBody(member, place + "/" + name);
      return;
    }
    Add(place, value.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  RequestTraits Take() { return std::move(traits_); }

 private:
  const std::string_view secret_;
  RequestTraits traits_;
};

// Parts of the body begin with a slash and come last.
bool IsBefore(const std::string& a, const std::string& b) {
  const bool body_a = a.starts_with('/');
  const bool body_b = b.starts_with('/');
  return body_a != body_b ? body_b : a < b;
}

}  // namespace

RequestTraits TraitsOf(const Request& request, const ProviderConfig& provider,
                       std::string_view canonical_body, std::string_view secret) {
  Collector collector(secret);
  collector.Add("provider", provider.base_url);
  collector.Add("path", WithoutCredentials(request.target));
  collector.Add("namespace", request.directives.name_space);
  collector.Add("sample", std::to_string(request.directives.sample));
  for (const Header& field : request.headers) {
    if (IsKeyHeader(field.name, provider.key_headers)) {
      collector.Add("header " + LowerAscii(field.name), request.headers.Joined(field.name));
    }
  }
  if (request.directives.key) {
    collector.Add("Larder-Key", *request.directives.key);
    return collector.Take();
  }
  const json body = json::parse(canonical_body, nullptr, /*allow_exceptions=*/false);
  collector.AddBody(body, "");
  return collector.Take();
}

TraitDifference Compare(const RequestTraits& a, const RequestTraits& b) {
  TraitDifference difference;
  const auto note = [&difference](const std::string& place) {
    if (difference.count++ == 0 || IsBefore(place, difference.first)) difference.first = place;
  };
  for (const auto& [place, hash] : a) {
    const auto other = b.find(place);
    if (other == b.end() || other->second != hash) note(place);
  }
  for (const auto& [place, hash] : b) {
    if (!a.contains(place)) note(place);
  }
  return difference;
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
