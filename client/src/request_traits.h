// RequestTraits: the parts of a request that make up its key, each as a hash, so that two requests
// can be compared later without keeping what they said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/config.h"
#include "larder/client/message.h"

namespace larder::client {

// Where a part stands ("path", "namespace", "/messages/0/content") -> hash of what it is.
using RequestTraits = std::map<std::string, std::uint64_t>;

// `secret` keys the hash: without it, it can be tried out against likely values.
std::uint64_t HashTrait(std::string_view value, std::string_view secret);

// What is in the key beside the body: "provider", "path", "namespace", "sample", "header NAME", and
// "Larder-Key", which stands in for the body.
RequestTraits HeadTraitsOf(const Request& request, const ProviderConfig& provider,
                           std::string_view secret);

// With at most kMaxTraits parts of the body, in order.
inline constexpr std::size_t kMaxTraits = 1000;
RequestTraits TraitsOf(const Request& request, const ProviderConfig& provider,
                       std::string_view canonical_body, std::string_view secret);

// How many parts differ, and the first of them: those of the body last, in their order.
struct TraitDifference {
  std::size_t count = 0;
  std::string first;
};
TraitDifference Compare(const RequestTraits& a, const RequestTraits& b);
// The places of the parts that differ, in the same order; they point into `a` and `b`. Gives up
// when there are more than `most`: one more than those, whichever, is returned.
std::vector<std::string_view> DifferingPlaces(const RequestTraits& a, const RequestTraits& b,
                                              std::size_t most);

std::string EncodeTraits(const RequestTraits& traits);
// nullopt: EncodeTraits did not write it.
std::optional<RequestTraits> DecodeTraits(std::string_view text);

}  // namespace larder::client
