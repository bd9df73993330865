// config check, show, set, schema.
#include <nlohmann/json.hpp>
#include <utility>

#include "cache_access.h"
#include "config_edit.h"
#include "config_schema.h"
#include "console.h"
#include "invocation.h"
#include "larder/client/config_change.h"
#include "larder/client/config_keys.h"
#include "tool_config.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

struct Setting {
  std::string key;
  std::string value;
};

Result<Setting> ReadSetting(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) {
    return Status(StatusCode::kInvalidArgument, "not KEY=VALUE, such as logging.level=debug");
  }
  return Setting{text.substr(0, equals), text.substr(equals + 1)};
}

// Has the process behind --socket or --url change its file and take that over.
Result<std::string> SetInProcess(const Setting& setting, const Invocation& invocation) {
  const Result<std::string> patch = client::MakeConfigPatch(setting.key, setting.value);
  if (!patch.ok()) return patch.status();
  return PatchConfig(*patch, invocation);
}

Result<std::string> SetInFile(const Setting& setting, const Invocation& invocation) {
  const Result<client::ConfigDocument> before = LoadCheckedConfig(invocation);
  if (!before.ok()) return before.status();
  return ChangeConfig(*before, invocation, [&](const std::string& text) {
    return client::SetInConfigText(text, before->file(), setting.key, setting.value);
  });
}

std::string FileName(const client::ConfigDocument& document) {
  return document.file().empty() ? "built-in configuration" : document.file();
}

}  // namespace

Result<tools::ExitStatus> RunConfigCheck(const Invocation& invocation, Console& console) {
  const Result<client::ConfigDocument> document = LoadCheckedConfig(invocation);
  if (!document.ok()) return document.status();
  if (console.json()) {
    console.Line(ordered_json{{"file", document->file()}, {"ok", true}}.dump());
  } else {
    console.Line(FileName(*document) + ": ok");
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunConfigShow(const Invocation& invocation, Console& console) {
  const Result<std::string> shown = ShownConfig(invocation);
  if (!shown.ok()) return shown.status();
  if (console.json()) {
    console.Line(*shown);
    return tools::kExitDone;
  }
  const ordered_json whole = ordered_json::parse(*shown);
  Rows rows;
  for (const auto& [pointer, origin] : whole["origins"].items()) {
    const ordered_json& value = whole["config"].at(ordered_json::json_pointer(pointer));
    rows.emplace_back(pointer + " = " + value.dump(), origin.get<std::string>());
  }
  console.Table(rows);
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunConfigSet(const Invocation& invocation, Console& console) {
  const Result<Setting> setting = ReadSetting(invocation.arguments[0]);
  if (!setting.ok()) return setting.status();
  const Result<std::string> done = NamesProcess(invocation) ? SetInProcess(*setting, invocation)
                                                            : SetInFile(*setting, invocation);
  if (!done.ok()) return done.status();
  Rows rows;
  const ordered_json result = ordered_json::parse(*done);
  for (const auto& [pointer, how] : result["changes"].items()) {
    rows.emplace_back(pointer, how == "live"
                                   ? "live: running processes take it over"
                                   : "restart: running processes keep the old value until then");
  }
  if (console.json()) {
    console.Line(*done);
  } else {
    console.Table(rows);
  }
  if (rows.empty())
    console.Note("cachectl: no change: it is so already, or something overrides it");
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunConfigSchema(const Invocation&, Console& console) {
  console.Write(tools::ConfigSchema());
  return tools::kExitDone;
}

}  // namespace larder::cachectl
