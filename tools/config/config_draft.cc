#include "config_draft.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "file_text.h"
#include "tool_config.h"

namespace larder::tools {
namespace {

using client::ConfigDocument;

Status Failed(const std::string& file) {
  return {StatusCode::kInternal, file + ": " + std::strerror(errno)};
}

Status NoFile() {
  return {StatusCode::kInvalidArgument, "there is no configuration file to change"};
}

std::string DraftOf(const std::string& file) { return file + ".next"; }

// Beside `file`, with its rights, synced: ready to take its place.
Status WriteBeside(const std::string& file, std::string_view text) {
  const std::string name = DraftOf(file);
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

// Complaints are about the file that people know.
Status WithName(const Status& status, const std::string& draft, const std::string& file) {
  std::string message = status.message();
  const std::size_t at = message.find(draft);
  if (at != message.npos) message.replace(at, draft.size(), file);
  return {status.code(), std::move(message)};
}

}  // namespace

Result<std::string> ReadConfigText(const ConfigDocument& document) {
  if (document.file().empty()) return NoFile();
  Result<std::string> text = ReadFileText(document.file());
  if (!text.ok()) return Status(StatusCode::kInternal, text.status().message());
  return text;
}

Result<ConfigDraft> ConfigDraft::Write(const client::ConfigSources& sources,
                                       const ConfigDocument& before, std::string_view text) {
  if (before.file().empty()) return NoFile();
  std::error_code error;
  // Where a link leads to.
  const std::string file = std::filesystem::canonical(before.file(), error).string();
  if (error) return Status(StatusCode::kInternal, before.file() + ": " + error.message());
  if (Status written = WriteBeside(file, text); !written.ok()) return written;
  client::ConfigSources from_draft = sources;
  from_draft.file = DraftOf(file);
  Result<ConfigDocument> document = ConfigDocument::Load(from_draft);
  Status status = document.status();
  if (status.ok()) status = ReadToolConfig(*document).status();
  if (status.ok()) return ConfigDraft(file, *std::move(document));
  ::unlink(from_draft.file.c_str());
  return WithName(status, from_draft.file, before.file());
}

ConfigDraft::ConfigDraft(ConfigDraft&& other) noexcept
    : file_(std::exchange(other.file_, {})), document_(std::move(other.document_)) {}

ConfigDraft::~ConfigDraft() {
  if (!file_.empty()) ::unlink(DraftOf(file_).c_str());
}

Status ConfigDraft::Commit() {
  if (std::rename(DraftOf(file_).c_str(), file_.c_str()) != 0) return Failed(file_);
  file_.clear();
  return Status::Ok();
}

}  // namespace larder::tools
