// Embeddings item by item: the parts of a batch's request, and its answer taken apart and put
// together.
//
// An item is stored as the answer to a request for it alone. Its usage is its share of its
// batch's, by bytes of the inputs, so that the shares of a batch sum to it exactly; where an input
// occurs twice, it counts twice, as the provider would count it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canonical_json.h"
#include "vector_text.h"

namespace larder::client {

// Of one request that is answered item by item. No provider is known that takes as many.
inline constexpr std::size_t kMaxBatchItems = 16384;

// What the items of one batch may repeat in all: of the request what is beside its inputs, which is
// hashed for each of them, and of the answer what is beside its data, which is stored with each.
inline constexpr std::uint64_t kMaxRepeatedBytes = std::uint64_t{64} << 20;

struct EmbeddingsBatch {
  std::vector<std::string> items;    // canonical JSON of each input, in the request's order
  std::optional<VectorForm> wanted;  // nullopt: one that is not known, given as it came
  bool convertible = false;  // vectors are 32-bit floats, so that one form can become the other
  // The canonical body around the value of `input`: as it is hashed, and as it is sent.
  std::string key_before;
  std::string key_after;
  std::string body_before;
  std::string body_after;

  // The canonical body of a request for this one item alone, which is hashed.
  std::string KeyBodyOf(std::string_view item) const {
    return key_before + std::string(item) + key_after;
  }
  // How much of the bodies of all of these is not the items'.
  std::uint64_t RepeatedBytes() const {
    return std::uint64_t{key_before.size() + key_after.size()} * items.size();
  }
  // The body of a request for these items.
  std::string RequestFor(const std::vector<std::string_view>& items) const;
};

// As `encoding_format` says; nullopt: a format that is neither of the two.
std::optional<VectorForm> FormOfVectors(const CanonicalObject& object);

// nullptr: the request has no inputs.
std::shared_ptr<const EmbeddingsBatch> PlanBatch(const CanonicalObject& object);

struct BatchAnswer {
  // Why it is not one, or "": "invalid", "error", "empty", "too_large" (over kMaxRepeatedBytes),
  // "too_complex" (members or a usage that no API has).
  std::string_view problem;
  std::vector<std::string> items;  // the answer to each item alone, in the order of the request
};

// `answer`: to a request for `items`.
BatchAnswer SplitBatchAnswer(std::string_view answer, const std::vector<std::string_view>& items);

// The answer to a batch from the answers to each of its items, in order, at least one; what is
// beside data and usage is the first one's. nullopt: some of them cannot be given in the form that
// is wanted, exactly; `unfit` are their positions then, all of them.
std::optional<std::string> ComposeBatchAnswer(const EmbeddingsBatch& batch,
                                              const std::vector<std::string_view>& answers,
                                              std::vector<std::size_t>& unfit);

}  // namespace larder::client
