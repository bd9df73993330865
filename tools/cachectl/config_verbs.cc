// config check, show, set, schema.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "config_schema.h"
#include "console.h"
#include "invocation.h"
#include "larder/client/config_change.h"
#include "tool_config.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

Result<client::ConfigDocument> LoadChecked(const Invocation& invocation, const std::string& file) {
  std::vector<client::ConfigFlag> flags;
  const std::string directory = invocation.Value("--dir");
  if (!directory.empty()) flags.push_back({"--dir", "/cache/directory", directory});
  Result<client::ConfigDocument> document = client::ConfigDocument::Load(
      {.file = file, .environment = client::ProcessEnvironment(), .flags = flags});
  if (!document.ok()) return document.status();
  const Result<tools::ToolConfig> config = tools::ReadToolConfig(*document);
  if (!config.ok()) return config.status();
  return document;
}

Result<client::ConfigDocument> LoadChecked(const Invocation& invocation) {
  return LoadChecked(invocation, invocation.Value("--config"));
}

Status Failed(const std::string& file) {
  return {StatusCode::kInternal, file + ": " + std::strerror(errno)};
}

Result<std::string> ReadWhole(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) return Failed(name);
  return text;
}

// Beside `file`, with its rights, synced: ready to take its place.
Status WriteBeside(const std::string& file, const std::string& name, std::string_view text) {
  struct stat old {};
  if (::stat(file.c_str(), &old) != 0) return Failed(file);
  const int out = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (out < 0) return Failed(name);
  bool written = ::fchmod(out, old.st_mode & 07777) == 0;
  while (written && !text.empty()) {
    const ssize_t count = ::write(out, text.data(), text.size());
    written = count > 0;
    if (written) text.remove_prefix(static_cast<std::size_t>(count));
  }
  written = written && ::fsync(out) == 0;
  const Status failed = written ? Status::Ok() : Failed(name);
  ::close(out);
  return failed;
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

Result<tools::ExitStatus> RunConfigSet(const Invocation& invocation, Console& console) {
  const std::string& setting = invocation.arguments[0];
  const std::size_t equals = setting.find('=');
  if (equals == setting.npos || equals == 0) {
    return Status(StatusCode::kInvalidArgument, "not KEY=VALUE, such as logging.level=debug");
  }
  const Result<client::ConfigDocument> before = LoadChecked(invocation);
  if (!before.ok()) return before.status();
  if (before->file().empty()) {
    return Status(StatusCode::kInvalidArgument, "there is no configuration file to change");
  }
  const std::string file = std::filesystem::canonical(before->file()).string();
  const Result<std::string> text = ReadWhole(file);
  if (!text.ok()) return text.status();
  const Result<std::string> changed = client::SetInConfigText(
      *text, before->file(), setting.substr(0, equals), setting.substr(equals + 1));
  if (!changed.ok()) return changed.status();
  const std::string next = file + ".next";
  if (Status written = WriteBeside(file, next, *changed); !written.ok()) return written;
  const Result<client::ConfigDocument> after = LoadChecked(invocation, next);
  if (!after.ok() || std::rename(next.c_str(), file.c_str()) != 0) {
    const Status failed = after.ok() ? Failed(file) : after.status();
    ::unlink(next.c_str());
    std::string message = failed.message();
    const std::size_t at = message.find(next);
    if (at != message.npos) message.replace(at, next.size(), before->file());
    return Status(failed.code(), std::move(message));
  }
  ordered_json changes = ordered_json::object();
  Rows rows;
  for (const client::ConfigChange& change : client::CompareConfig(*before, *after)) {
    const char* how = change.live ? "live" : "restart";
    changes[change.pointer] = how;
    rows.emplace_back(change.pointer,
                      change.live ? "live: running processes take it over"
                                  : "restart: running processes keep the old value until then");
  }
  if (console.json()) {
    console.Line(ordered_json{{"file", before->file()}, {"changes", std::move(changes)}}.dump());
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
