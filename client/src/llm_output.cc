#include "llm_output.h"

#include <utility>

namespace larder::client {

Status AddOutput(const OutputPlace& place, const std::optional<OutputSchema>& output,
                 LlmJson& body) {
  if (!output) return Status::Ok();
  Result<LlmJson> schema = ParseLlmJson(output->schema, "the output's schema");
  if (!schema.ok()) return schema.status();
  body[place.member] = place.write(*output, *std::move(schema));
  return Status::Ok();
}

void ReadOutput(const OutputPlace& place, LlmFields& fields, const LlmJson& format,
                std::optional<OutputSchema>& output) {
  const LlmJson* found = fields.Find(place.member);
  if (found == nullptr) return;
  LlmFields parts(format);
  OutputSchema known{.name = parts.Word("name"), .schema = ""};
  known.schema = LlmText(parts.Structure("schema"));
  LlmJson written;
  if (!AddOutput(place, known, written).ok()) return;
  if (!SameJson(written[place.member], *found)) return;
  output = std::move(known);
  fields.Drop(place.member);
}

}  // namespace larder::client
