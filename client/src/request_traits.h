// RequestTraits: the parts of a request that make up its key, each as a hash, so that two requests
// can be compared later without keeping what they said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "larder/client/config.h"
#include "larder/client/message.h"

namespace larder::client {

// Where a part stands ("path", "namespace", "/messages/0/content") -> hash of what it is.
using RequestTraits = std::map<std::string, std::uint64_t>;

// At most kMaxTraits parts of the body, in order. `secret` keys the hashes: without it they can be
// tried out against likely values.
inline constexpr std::size_t kMaxTraits = 1000;
RequestTraits TraitsOf(const Request& request, const ProviderConfig& provider,
                       std::string_view canonical_body, std::string_view secret);

// How many parts differ, and the first of them: those of the body last, in their order.
struct TraitDifference {
  std::size_t count = 0;
  std::string first;
};
TraitDifference Compare(const RequestTraits& a, const RequestTraits& b);

std::string EncodeTraits(const RequestTraits& traits);
// nullopt: EncodeTraits did not write it.
std::optional<RequestTraits> DecodeTraits(std::string_view text);

}  // namespace larder::client
