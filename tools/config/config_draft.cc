#include "config_draft.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "file_text.h"
#include "tool_config.h"

namespace larder::tools {
namespace {

using client::ConfigDocument;

constexpr std::chrono::milliseconds kBetweenAttempts{5};

Status Failed(const std::string& file) {
  return {StatusCode::kInternal, file + ": " + std::strerror(errno)};
}

std::string DraftOf(const std::string& file) { return file + ".next"; }

// Whose the file is stays as it was: it may be one that its readers read as its group, and root
// changes. The rights come last, because a change of the owner takes some away.
Status KeepRights(int out, const std::string& name, const struct stat& old) {
  struct stat now {};
  if (::fstat(out, &now) != 0) return Failed(name);
  const bool ours = now.st_uid == old.st_uid && now.st_gid == old.st_gid;
  if (!ours && ::fchown(out, old.st_uid, old.st_gid) != 0) {
    return Failed(name).WithContext("the owner and the group of the file cannot be kept");
  }
  return ::fchmod(out, old.st_mode & 07777) == 0 ? Status::Ok() : Failed(name);
}

Status WriteAll(int out, const std::string& name, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(out, text.data(), text.size());
    if (count <= 0) return Failed(name);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(out) == 0 ? Status::Ok() : Failed(name);
}

// Beside `file`, synced: ready to take its place.
Status WriteBeside(const std::string& file, std::string_view text) {
  const std::string name = DraftOf(file);
  struct stat old {};
  if (::stat(file.c_str(), &old) != 0) return Failed(file);
  ::unlink(name.c_str());  // of a writer that died
  const int out = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (out < 0) return Failed(name);
  Status status = KeepRights(out, name, old);
  if (status.ok()) status = WriteAll(out, name, text);
  ::close(out);
  if (!status.ok()) ::unlink(name.c_str());
  return status;
}

Result<std::string> ReadText(const std::string& file) {
  Result<std::string> text = ReadFileText(file);
  if (!text.ok()) return Status(StatusCode::kInternal, text.status().message());
  return text;
}

// Complaints are about the file that people know.
Status WithName(const Status& status, const std::string& draft, const std::string& file) {
  std::string message = status.message();
  const std::size_t at = message.find(draft);
  if (at != message.npos) message.replace(at, draft.size(), file);
  return {status.code(), std::move(message)};
}

}  // namespace

// Of the folder, not the file, which is replaced.
class ConfigDraft::Lock {
 public:
  explicit Lock(const std::string& file)
      : fd_(::open(std::filesystem::path(file).parent_path().c_str(),
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  // Tried again and again, because a wait for it would have no end.
  Status Take(const std::string& file, std::chrono::milliseconds patience) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    if (fd_ < 0) return Failed(file).WithContext("lock the folder");
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return Failed(file).WithContext("lock the folder");
      if (std::chrono::steady_clock::now() >= end) {
        return {StatusCode::kUnavailable, "another changes the configuration: " + file};
      }
      std::this_thread::sleep_for(kBetweenAttempts);
    }
    return Status::Ok();
  }

 private:
  const int fd_;
};

Result<ConfigDraft> ConfigDraft::Write(const client::ConfigSources& sources,
                                       const ConfigDocument& before, const ConfigTextChange& change,
                                       std::chrono::milliseconds patience) {
  if (before.file().empty()) {
    return Status(StatusCode::kInvalidArgument, "there is no configuration file to change");
  }
  std::error_code error;
  // Where a link leads to.
  const std::string file = std::filesystem::canonical(before.file(), error).string();
  if (error) return Status(StatusCode::kInternal, before.file() + ": " + error.message());
  auto lock = std::make_unique<Lock>(file);
  if (Status taken = lock->Take(file, patience); !taken.ok()) return taken;
  const Result<std::string> text = ReadText(file);
  if (!text.ok()) return text.status();
  const Result<std::string> changed = change(*text);
  if (!changed.ok()) return changed.status();
  if (Status written = WriteBeside(file, *changed); !written.ok()) return written;
  client::ConfigSources from_draft = sources;
  from_draft.file = DraftOf(file);
  Result<ConfigDocument> document = ConfigDocument::Load(from_draft);
  Status status = document.status();
  if (status.ok()) status = ReadToolConfig(*document).status();
  if (status.ok()) return ConfigDraft(file, std::move(lock), *std::move(document));
  ::unlink(from_draft.file.c_str());
  return WithName(status, from_draft.file, before.file());
}

ConfigDraft::ConfigDraft(std::string file, std::unique_ptr<Lock> lock, ConfigDocument document)
    : file_(std::move(file)), lock_(std::move(lock)), document_(std::move(document)) {}

ConfigDraft::ConfigDraft(ConfigDraft&& other) noexcept
    : file_(std::exchange(other.file_, {})),
      lock_(std::move(other.lock_)),
      document_(std::move(other.document_)) {}

ConfigDraft::~ConfigDraft() {
  if (!file_.empty()) ::unlink(DraftOf(file_).c_str());
}

Status ConfigDraft::Commit() {
  if (std::rename(DraftOf(file_).c_str(), file_.c_str()) != 0) return Failed(file_);
  file_.clear();
  lock_.reset();
  return Status::Ok();
}

}  // namespace larder::tools
