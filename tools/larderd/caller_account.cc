#include "caller_account.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "file_text.h"

namespace larder::gateway {
namespace {

using nlohmann::json;

bool WriteFile(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  ::close(file);
  return written;
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> IdentityOfFolder(const std::string& path) {
  struct stat info {};
  if (::stat(FolderOf(path).c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return std::nullopt;
  return std::pair<std::uint64_t, std::uint64_t>(info.st_dev, info.st_ino);
}

// Until then a loss of power can bring the old file back.
bool SyncFolderOf(const std::string& path) {
  const int directory = ::open(FolderOf(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool synced = ::fsync(directory) == 0;
  ::close(directory);
  return synced;
}

}  // namespace

CallerAccount::Day Today() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::days>(now).count();
}

std::optional<std::chrono::milliseconds> CallerAccount::Take(std::uint64_t per_minute,
                                                             Instant now) {
  if (per_minute == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const double most = static_cast<double>(per_minute);
  const double per_ms = most / 60'000;
  if (!counted_) {
    requests_ = most;
  } else if (now > *counted_) {
    const std::chrono::duration<double, std::milli> passed = now - *counted_;
    requests_ = std::min(most, requests_ + passed.count() * per_ms);
  }
  counted_ = now;
  if (requests_ >= 1) {
    requests_ -= 1;
    return std::nullopt;
  }
  return std::chrono::milliseconds(std::llround(std::ceil((1 - requests_) / per_ms)));
}

void CallerAccount::Spend(std::uint64_t microusd, Day today) {
  const std::lock_guard lock(mutex_);
  TurnTo(today);
  spent_microusd_ += microusd;
}

std::uint64_t CallerAccount::Spent(Day today) {
  const std::lock_guard lock(mutex_);
  TurnTo(today);
  return spent_microusd_;
}

// A wall clock that was put back does not make anybody rich; nor does one that was ahead keep
// anybody out for longer than until the next day.
void CallerAccount::TurnTo(Day today) {
  if (today > day_) spent_microusd_ = 0;
  day_ = today;
}

std::shared_ptr<CallerAccount> CallerAccounts::Of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<CallerAccount>& account = accounts_[name];
  if (account == nullptr) account = std::make_shared<CallerAccount>();
  return account;
}

Status CallerAccounts::Load(const std::string& file, Day today) {
  const Result<std::string> text = tools::ReadFileText(file);
  folder_ = IdentityOfFolder(file);
  const bool is_none = text.status().code() == StatusCode::kNotFound && folder_.has_value();
  if (is_none) return Status::Ok();
  if (!text.ok()) return {StatusCode::kInternal, text.status().message()};
  const json document = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || document.value("day", json()) != today) return Status::Ok();
  const json spent = document.value("spent_microusd", json::object());
  for (const auto& [name, amount] : spent.items()) {
    if (amount.is_number_unsigned()) Of(name)->Spend(amount.get<std::uint64_t>(), today);
  }
  return Status::Ok();
}

Status CallerAccounts::Save(const std::string& file, Day today) {
  json spent = json::object();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, account] : accounts_) {
      if (const std::uint64_t amount = account->Spent(today); amount > 0) spent[name] = amount;
    }
  }
  const std::string text = json{{"day", today}, {"spent_microusd", spent}}.dump();
  if (spent.empty() || text == saved_) return Status::Ok();
  if (folder_.has_value() && IdentityOfFolder(file) != folder_) {
    return {StatusCode::kInternal, "`" + FolderOf(file) + "` was moved away"};
  }
  const std::string fresh = file + ".new";
  if (!WriteFile(fresh, text) || std::rename(fresh.c_str(), file.c_str()) != 0 ||
      !SyncFolderOf(file)) {
    return {StatusCode::kInternal, "cannot write `" + file + "`"};
  }
  saved_ = text;
  return Status::Ok();
}

}  // namespace larder::gateway
