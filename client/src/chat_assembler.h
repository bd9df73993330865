// ChatAssembler: chunks of a streamed completion, chat or legacy, -> the JSON answer that says the
// same.
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

// Chat completions say `delta`, legacy ones `text`.
enum class ChunkKind { kChat, kText };

class ChatAssembler {
 public:
  explicit ChatAssembler(ChunkKind kind) : kind_(kind) {}
  // `chunk` is an object.
  void Add(const nlohmann::json& chunk);
  // One of a chunk's choices; `position` stands in for an index that it does not have.
  void AddChoice(const nlohmann::json& part, std::size_t position);
  // How many choices have got a finish reason; all of them, if it equals choices().
  std::size_t finished() const;
  std::size_t choices() const { return choices_.size(); }
  // The answer; leaves this empty. Errors: kDataLoss (a patch that does not fit, or more choices or
  // elements with an index than any API gives).
  Result<nlohmann::json> Take();

 private:
  struct Choice {
    std::int64_t index;
    nlohmann::json value;
  };
  static void FinishMessage(nlohmann::json& message);
  void AddText(const nlohmann::json& part, nlohmann::json& choice);

  ChunkKind kind_;
  nlohmann::json answer_ = nlohmann::json::object();
  std::vector<Choice> choices_;
  nlohmann::json patch_;
  bool too_much_ = false;
};

}  // namespace larder::client
