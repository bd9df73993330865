// StoredAnswer: what a cache entry says, for those who look into the cache rather than ask it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "larder/client/message.h"
#include "larder/entry.h"
#include "larder/result.h"

namespace larder::client {

struct StoredAnswer {
  int status = 200;
  bool is_event_stream = false;  // received, and so stored, as one
  std::string model;
  Headers headers;  // those that a hit shows
  // Unset where the answer did not report its usage.
  std::optional<std::uint64_t> input_tokens;
  std::optional<std::uint64_t> output_tokens;
};

// nullopt: the entry was not stored by this client, or in a format that this version does not
// know.
std::optional<StoredAnswer> ReadStoredAnswer(const Entry& entry);

enum class AnswerForm { kJson, kEventStream };

// The answer's body in one of its forms, whichever it was received in.
// Errors: kInvalidArgument (not an answer of ours), kDataLoss (it cannot be brought into the form).
Result<std::string> ReadAnswerBody(const Entry& entry, AnswerForm form);

}  // namespace larder::client
