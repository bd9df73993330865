#include "llm_tools.h"

#include <string>
#include <utility>

namespace larder::client {

Result<LlmJson> WriteFunction(const Tool& tool, const char* schema_name) {
  LlmJson written = {{"name", tool.name}};
  if (!tool.description.empty()) written["description"] = tool.description;
  if (!tool.parameters.empty()) {
    Result<LlmJson> schema = ParseLlmJson(tool.parameters, "a tool's schema");
    if (!schema.ok()) return schema.status();
    written[schema_name] = *std::move(schema);
  }
  if (Status status = AddExtra(tool.extra, written); !status.ok()) return status;
  return written;
}

Tool ReadFunction(LlmFields fields, const char* schema_name) {
  Tool tool{.name = fields.Word("name"), .description = fields.Word("description")};
  const LlmJson schema = fields.Structure(schema_name);
  if (!schema.is_null()) tool.parameters = LlmText(schema);
  tool.extra = fields.Rest();
  return tool;
}

Status WriteTools(const std::vector<Tool>& tools, Result<LlmJson> (*write)(const Tool& tool),
                  LlmJson& body) {
  for (const Tool& tool : tools) {
    Result<LlmJson> written = tool.name.empty() ? LlmJson::object() : write(tool);
    if (!written.ok()) return written.status();
    if (tool.name.empty()) {
      if (Status status = AddExtra(tool.extra, *written); !status.ok()) return status;
    }
    body["tools"].push_back(*std::move(written));
  }
  return Status::Ok();
}

void ReadTools(LlmFields& fields, Tool (*read)(const LlmJson& json),
               Result<LlmJson> (*write)(const Tool& tool), std::vector<Tool>& tools) {
  for (const LlmJson& json : fields.Objects("tools")) {
    Tool tool = read(json);
    const Result<LlmJson> written = write(tool);
    const bool known = !tool.name.empty() && written.ok() && SameJson(*written, json);
    tools.push_back(known ? std::move(tool) : Tool{.name = "", .extra = LlmText(json)});
  }
}

void ReadToolChoice(LlmFields& fields, std::string_view name,
                    LlmJson (*write)(const ToolChoice& choice), std::optional<ToolChoice>& choice) {
  using Kind = ToolChoice::Kind;
  for (const Kind kind : {Kind::kAuto, Kind::kNone, Kind::kRequired, Kind::kNamed}) {
    ToolChoice known{kind, kind == Kind::kNamed ? std::string(name) : ""};
    const LlmJson* json = fields.Find("tool_choice");
    if (json == nullptr || !SameJson(*json, write(known))) continue;
    choice = std::move(known);
    fields.Drop("tool_choice");
  }
}

}  // namespace larder::client
