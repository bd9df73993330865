#include "late_admin.h"

#include <utility>

namespace larder::gateway {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};
// With a disk that is known to be in trouble.
constexpr std::chrono::milliseconds kLittlePatience{100};
constexpr std::chrono::seconds kBetweenAttempts{1};

}  // namespace

Result<std::unique_ptr<LateAdmin>> LateAdmin::Start(Cache& cache, admin::AdminOptions options,
                                                    Log& log) {
  // The folder may be missing because the disk is.
  const bool in_trouble = cache.GetHealth().state == HealthState::kReopening;
  std::unique_ptr<LateAdmin> admin(new LateAdmin(cache, std::move(options), log));
  admin->thread_ = std::thread([self = admin.get()] { self->Run(); });
  Status first;
  {
    std::unique_lock lock(admin->mutex_);
    admin->changed_.wait_for(lock, in_trouble ? kLittlePatience : kPatience,
                             [&] { return admin->first_.has_value(); });
    first = admin->first_.value_or(Status(StatusCode::kUnavailable, "the disk does not answer"));
  }
  if (first.ok()) return admin;
  if (first.code() == StatusCode::kInvalidArgument && !in_trouble) return first;
  log.Write(LogLevel::kWarning, "admin socket",
            {{"why", first.message()}, {"what", "served as soon as it can be bound"}});
  return admin;
}

LateAdmin::~LateAdmin() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LateAdmin::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    Result<std::unique_ptr<admin::AdminServer>> server =
        admin::AdminServer::Start(cache_, options_);
    lock.lock();
    const bool late = first_.has_value();
    if (!late) first_ = server.status();
    changed_.notify_all();
    if (server.ok()) {
      server_ = *std::move(server);
      lock.unlock();
      if (late) log_.Write(LogLevel::kInfo, "admin socket", {{"what", "served"}});
      return;
    }
    changed_.wait_for(lock, kBetweenAttempts, [this] { return stop_; });
  }
}

}  // namespace larder::gateway
