// ChatAssembler: chunks of a streamed chat completion -> the JSON answer that says the same.
//
// Nothing may be lost, whatever a provider adds. Within a delta strings continue each other,
// arrays merge by `index`, objects merge, else the last one holds; but names, roles and the like
// are repeated by some providers and not continued. Outside deltas a value is the latest state of
// itself; only log-probabilities and other lists of a choice grow.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "larder/result.h"

namespace larder::client {

// Top-level member of a chunk that holds a JSON Patch (RFC 6902) from what the chunks say to the
// answer that they were made of, where that cannot be said in chunks (SplitChat writes it).
inline constexpr const char* kPatchMember = "larder_patch";

class ChatAssembler {
 public:
  // `chunk` is an object.
  void Add(const nlohmann::json& chunk);
  // One of a chunk's choices; `position` stands in for an index that it does not have.
  void AddChoice(const nlohmann::json& part, std::size_t position);
  // How many choices have got a finish reason; all of them, if it equals choices().
  std::size_t finished() const;
  std::size_t choices() const { return choices_.size(); }
  // The answer; leaves this empty. Errors: kDataLoss (a patch that does not fit).
  Result<nlohmann::json> Take();

 private:
  struct Choice {
    std::int64_t index;
    nlohmann::json value;
  };
  nlohmann::json answer_ = nlohmann::json::object();
  std::vector<Choice> choices_;
  nlohmann::json patch_;
};

}  // namespace larder::client
