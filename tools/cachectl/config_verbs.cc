// config check, show, schema.
#include <nlohmann/json.hpp>

#include "config_schema.h"
#include "console.h"
#include "invocation.h"
#include "tool_config.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

Result<client::ConfigDocument> LoadChecked(const Invocation& invocation) {
  std::vector<client::ConfigFlag> flags;
  const std::string directory = invocation.Value("--dir");
  if (!directory.empty()) flags.push_back({"--dir", "/cache/directory", directory});
  Result<client::ConfigDocument> document =
      client::ConfigDocument::Load({.file = invocation.Value("--config"),
                                    .environment = client::ProcessEnvironment(),
                                    .flags = flags});
  if (!document.ok()) return document.status();
  const Result<tools::ToolConfig> config = tools::ReadToolConfig(*document);
  if (!config.ok()) return config.status();
  return document;
}

std::string FileName(const client::ConfigDocument& document) {
  return document.file().empty() ? "built-in configuration" : document.file();
}

}  // namespace

Result<tools::ExitStatus> RunConfigCheck(const Invocation& invocation, Console& console) {
  const Result<client::ConfigDocument> document = LoadChecked(invocation);
  if (!document.ok()) return document.status();
  if (console.json()) {
    console.Line(ordered_json{{"file", document->file()}, {"ok", true}}.dump());
  } else {
    console.Line(FileName(*document) + ": ok");
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunConfigShow(const Invocation& invocation, Console& console) {
  const Result<client::ConfigDocument> document = LoadChecked(invocation);
  if (!document.ok()) return document.status();
  if (console.json()) {
    ordered_json origins = ordered_json::object();
    for (const std::string& pointer : document->Pointers()) {
      origins[pointer] = document->Origin(pointer);
    }
    const ordered_json whole = {{"file", document->file()},
                                {"config", ordered_json::parse(document->ToJson())},
                                {"origins", std::move(origins)}};
    console.Line(whole.dump());
    return tools::kExitDone;
  }
  Rows rows;
  for (const std::string& pointer : document->Pointers()) {
    rows.emplace_back(pointer + " = " + document->ToJson(pointer), document->Origin(pointer));
  }
  console.Table(rows);
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunConfigSchema(const Invocation&, Console& console) {
  console.Write(tools::ConfigSchema());
  return tools::kExitDone;
}

}  // namespace larder::cachectl
