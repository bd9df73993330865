// What all dialects do alike with tools.
#pragma once

#include "larder/client/llm_types.h"
#include "larder/result.h"
#include "llm_dialect.h"
#include "llm_fields.h"

namespace larder::client {

// A tool as its name, its description and, under `schema_name`, its schema, if it has them.
// Errors: kInvalidArgument (a schema or `extra` that is not JSON).
Result<LlmJson> WriteFunction(const Tool& tool, const char* schema_name);
Tool ReadFunction(LlmFields fields, const char* schema_name);

// Appends to `body["tools"]` what `write` makes of each tool; one without a name is its `extra`.
// Errors: kInvalidArgument, and those of `write`.
Status WriteTools(const std::vector<Tool>& tools, Result<LlmJson> (*write)(const Tool& tool),
                  LlmJson& body);

// Takes the tools out of `fields`. What `write` would not give back is a tool without a name.
void ReadTools(LlmFields& fields, Tool (*read)(const LlmJson& json),
               Result<LlmJson> (*write)(const Tool& tool), std::vector<Tool>& tools);

// Takes the choice out of `fields` if it is what `write` would give back. `name`: of a tool, if
// one is named.
void ReadToolChoice(LlmFields& fields, std::string_view name,
                    LlmJson (*write)(const ToolChoice& choice), std::optional<ToolChoice>& choice);

}  // namespace larder::client
