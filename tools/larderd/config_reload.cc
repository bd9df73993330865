#include "config_reload.h"

#include <sys/inotify.h>

#include <boost/asio/buffer.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config_draft.h"

namespace larder::gateway {
namespace {

// This thread takes connections and signals: who asks for the change may try again.
constexpr std::chrono::milliseconds kNoPatience{0};
constexpr Duration kSettle = std::chrono::milliseconds(100);
// In a folder.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE;
// A folder that is never still for so long does not put a reload off any further.
constexpr Duration kMostUnsettled = std::chrono::seconds(1);

std::string Join(const std::vector<client::ConfigChange>& changes, bool live) {
  std::string text;
  for (const client::ConfigChange& change : changes) {
    if (change.live != live) continue;
    if (!text.empty()) text += ", ";
    text += change.pointer;
  }
  return text;
}

Status CheckLive(const std::vector<client::ConfigChange>& changes) {
  const std::string restart = Join(changes, /*live=*/false);
  if (restart.empty()) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          "needs a restart for " + restart + "; nothing of the change is in force"};
}

}  // namespace

ConfigReload::ConfigReload(boost::asio::io_context& io, client::ConfigSources sources,
                           client::ConfigDocument current, Apply apply, Log& log)
    : sources_(std::move(sources)),
      apply_(std::move(apply)),
      log_(log),
      current_(std::move(current)),
      hang_up_(io),
      watch_(io),
      settle_(io) {}

void ConfigReload::Start() {
  hang_up_.add(SIGHUP);
  WaitForSignal();
  if (!current_.file().empty()) WatchFolders();
}

void ConfigReload::Stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  hang_up_.cancel(ignored);
  watch_.close(ignored);
  settle_.cancel();
}

void ConfigReload::WaitForSignal() {
  hang_up_.async_wait([this](const boost::system::error_code& error, int) {
    if (error || stopped_) return;
    refused_.clear();  // who asks is told, again if need be
    if (!Reload() && refused_.empty()) log_.Write(LogLevel::kInfo, "configuration unchanged");
    WaitForSignal();
  });
}

// The folder, because files are replaced by renaming, and links by other links.
void ConfigReload::WatchFolders() {
  const std::filesystem::path folder =
      std::filesystem::absolute(current_.file()).lexically_normal().parent_path();
  const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor >= 0) watch_.assign(descriptor);
  folder_watch_ = inotify_add_watch(descriptor, folder.c_str(), kEvents);
  if (folder_watch_ < 0) {
    log_.Write(LogLevel::kWarning, "configuration is not watched; SIGHUP still reads it anew",
               {{"folder", folder.string()}});
    return;
  }
  WatchTarget();
  WaitForEvent();
}

void ConfigReload::WatchTarget() {
  if (folder_watch_ < 0) return;
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(current_.file(), error);
  if (error) return;  // between two files
  const int inotify = watch_.native_handle();
  const int watch = inotify_add_watch(inotify, file.parent_path().c_str(), kEvents);
  if (watch < 0) return;
  const int before = std::exchange(target_watch_, watch);
  if (before >= 0 && before != watch && before != folder_watch_) inotify_rm_watch(inotify, before);
}

void ConfigReload::WaitForEvent() {
  watch_.async_read_some(boost::asio::buffer(events_),
                         [this](const boost::system::error_code& error, std::size_t) {
                           if (error || stopped_) return;
                           ReloadSoon();
                           WaitForEvent();
                         });
}

void ConfigReload::ReloadSoon() {
  const auto now = std::chrono::steady_clock::now();
  if (!unsettled_since_) unsettled_since_ = now;
  if (now - *unsettled_since_ > kMostUnsettled) return;  // the timer runs
  settle_.expires_after(kSettle);
  settle_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    unsettled_since_.reset();
    Reload();
  });
}

bool ConfigReload::Reload() {
  const auto refuse = [this](const std::string& why) {
    // The folder may be a busy one: the same complaint is told once.
    if (std::exchange(refused_, why) != why) {
      log_.Write(LogLevel::kError, "configuration refused; the last good one stays",
                 {{"why", why}});
    }
    return false;
  };
  WatchTarget();  // first, so that no change after this is missed
  const Result<client::ConfigDocument> next = client::ConfigDocument::Load(sources_);
  if (!next.ok()) return refuse(next.status().message());
  const std::vector<client::ConfigChange> changes = client::CompareConfig(current_, *next);
  if (changes.empty()) {
    refused_.clear();
    return false;
  }
  if (Status live = CheckLive(changes); !live.ok()) return refuse(live.message());
  const Result<tools::ToolConfig> config = tools::ReadToolConfig(*next);
  if (!config.ok()) return refuse(config.status().message());
  const Status applied = apply_(*config);
  if (!applied.ok()) return refuse(applied.message());
  current_ = *next;
  refused_.clear();
  log_.Write(LogLevel::kInfo, "configuration changed", {{"keys", Join(changes, /*live=*/true)}});
  return true;
}

Result<std::vector<client::ConfigChange>> ConfigReload::Change(const std::string& patch) {
  Result<tools::ConfigDraft> draft = tools::ConfigDraft::Write(
      sources_, current_,
      [&](const std::string& text) {
        return client::PatchConfigText(text, current_.file(), patch);
      },
      kNoPatience);
  if (!draft.ok()) return draft.status();
  std::vector<client::ConfigChange> changes = client::CompareConfig(current_, draft->document());
  if (Status live = CheckLive(changes); !live.ok()) return live;
  const Result<tools::ToolConfig> before = tools::ReadToolConfig(current_);
  const Result<tools::ToolConfig> after = tools::ReadToolConfig(draft->document());
  if (!before.ok() || !after.ok()) return before.ok() ? after.status() : before.status();
  if (Status applied = apply_(*after); !applied.ok()) return applied;
  if (Status committed = draft->Commit(); !committed.ok()) {
    static_cast<void>(apply_(*before));  // it was in force a moment ago
    return committed;
  }
  // For the origins. If another has written the file meanwhile, that is for the watch to find.
  const Result<client::ConfigDocument> loaded = client::ConfigDocument::Load(sources_);
  const bool ours = loaded.ok() && client::CompareConfig(draft->document(), *loaded).empty();
  current_ = ours ? *loaded : draft->document();
  refused_.clear();
  log_.Write(LogLevel::kInfo, "configuration changed", {{"keys", Join(changes, /*live=*/true)}});
  return changes;
}

}  // namespace larder::gateway
