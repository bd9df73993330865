// What all dialects do alike with the schema that an answer's text is to follow.
#pragma once

#include <optional>

#include "larder/client/llm_types.h"
#include "larder/result.h"
#include "llm_dialect.h"
#include "llm_fields.h"

namespace larder::client {

// Where a provider has it.
struct OutputPlace {
  const char* member;  // of the body
  // That member's value; `schema` is the output's, parsed.
  LlmJson (*write)(const OutputSchema& output, LlmJson schema);
};

// Errors: kInvalidArgument (a schema that is not JSON).
Status AddOutput(const OutputPlace& place, const std::optional<OutputSchema>& output,
                 LlmJson& body);

// Takes it out of `fields` if it is what AddOutput would write; another format stays. `format`:
// where name and schema are, if it is one.
void ReadOutput(const OutputPlace& place, LlmFields& fields, const LlmJson& format,
                std::optional<OutputSchema>& output);

}  // namespace larder::client
