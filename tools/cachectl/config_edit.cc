#include "config_edit.h"

#include <chrono>

#include "cache_access.h"
#include "config_report.h"
#include "larder/client/config_change.h"
#include "tool_config.h"

namespace larder::cachectl {
namespace {

// Of one who waits for another's change, which takes milliseconds.
constexpr std::chrono::seconds kPatience{2};

}  // namespace

client::ConfigSources ConfigSourcesOf(const Invocation& invocation) {
  client::ConfigSources sources{.file = invocation.Value("--config"),
                                .environment = client::ProcessEnvironment()};
  const std::string directory = invocation.Value("--dir");
  if (!directory.empty()) sources.flags.push_back({"--dir", "/cache/directory", directory});
  return sources;
}

Result<client::ConfigDocument> LoadCheckedConfig(const Invocation& invocation) {
  Result<client::ConfigDocument> document =
      client::ConfigDocument::Load(ConfigSourcesOf(invocation));
  if (!document.ok()) return document.status();
  const Result<tools::ToolConfig> config = tools::ReadToolConfig(*document);
  if (!config.ok()) return config.status();
  return document;
}

Result<std::string> ShownConfig(const Invocation& invocation) {
  if (NamesProcess(invocation)) {
    const Result<std::unique_ptr<CacheAccess>> process = ReachProcess(invocation);
    if (!process.ok()) return process.status();
    return (*process)->Call({.method = "GET", .path = "/v1/config"});
  }
  const Result<client::ConfigDocument> document = LoadCheckedConfig(invocation);
  if (!document.ok()) return document.status();
  return tools::ConfigToJson(*document);
}

Result<std::string> PatchConfig(const std::string& patch, const Invocation& invocation) {
  if (NamesProcess(invocation)) {
    const Result<std::unique_ptr<CacheAccess>> process = ReachProcess(invocation);
    if (!process.ok()) return process.status();
    return (*process)->Call({.method = "PATCH", .path = "/v1/config", .body = patch});
  }
  const Result<client::ConfigDocument> before = LoadCheckedConfig(invocation);
  if (!before.ok()) return before.status();
  return ChangeConfig(*before, invocation, [&](const std::string& text) {
    return client::PatchConfigText(text, before->file(), patch);
  });
}

Result<std::string> ChangeConfig(const client::ConfigDocument& before, const Invocation& invocation,
                                 const tools::ConfigTextChange& change) {
  Result<tools::ConfigDraft> draft =
      tools::ConfigDraft::Write(ConfigSourcesOf(invocation), before, change, kPatience);
  if (!draft.ok()) return draft.status();
  if (Status status = draft->Commit(); !status.ok()) return status;
  return tools::ChangesToJson(before.file(), client::CompareConfig(before, draft->document()));
}

}  // namespace larder::cachectl
