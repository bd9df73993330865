// StoreRules: which complete answers are stored, where that is a matter of taste. What is broken
// (errors, cut streams, empty answers, garbled arguments) never is, whatever the rules.
#pragma once

namespace larder::client {

enum class StoreTruncated {
  kWhenLimited,  // if the request set the limit itself; legacy completions always have one
  kAlways,
  kNever,
};

struct StoreRules {
  StoreTruncated truncated = StoreTruncated::kWhenLimited;  // finish `length`, `max_tokens`
  bool content_filter = false;
  bool refusals = false;
  bool incomplete = false;  // Responses with the status `incomplete`
};

}  // namespace larder::client
