#include "late_opening.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "directory_lock.h"
#include "guarded.h"
#include "options_change.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

// What keeps `directory` from being made, read or written, as far as the names tell: an errno.
int WhyUnusable(const std::string& directory) {
  std::error_code error;
  const fs::path path = fs::absolute(directory, error);
  if (error) return error.value();
  for (fs::path at = path;; at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) return ENOTDIR;
      const int wanted = at == path ? R_OK | W_OK | X_OK : W_OK | X_OK;
      return ::faccessat(AT_FDCWD, at.c_str(), wanted, AT_EACCESS) == 0 ? 0 : errno;
    }
    if (errno != ENOENT || at == at.root_path()) return errno;
  }
}

// A path that was mistyped, or given to another user, is better told than waited for. What lies in
// the directory is another matter: nobody mistypes that.
bool IsMistake(int error) {
  return error == EACCES || error == EPERM || error == ENOTDIR || error == ENAMETOOLONG ||
         error == ELOOP;
}

// By another process, or by a tool of RocksDB's.
bool IsHeld(const Status& status) {
  return status.message().find(kHeldByAnother) != std::string::npos ||
         status.message().find("/LOCK: ") != std::string::npos;
}

// `failure`, or the mistake that it comes of.
Status NameMistake(Status failure, const std::string& directory) {
  if (failure.code() != StatusCode::kUnavailable || IsHeld(failure)) return failure;
  const int error = WhyUnusable(directory);
  if (!IsMistake(error)) return failure;
  return {StatusCode::kInvalidArgument,
          "cannot write in `" + directory + "`: " + std::strerror(error)};
}

bool MayPass(const Status& failure) {
  return (failure.code() == StatusCode::kUnavailable ||
          failure.code() == StatusCode::kResourceExhausted) &&
         !IsHeld(failure);
}

OptionsChange LiveOf(const Options& options) {
  return {.max_disk_bytes = options.max_disk_bytes,
          .max_memory_bytes = options.max_memory_bytes,
          .compression_level = options.compression.level,
          .default_ttl = options.default_ttl,
          .ttl_jitter = options.ttl_jitter,
          .stale_while_revalidate = options.stale_while_revalidate,
          .stale_if_error = options.stale_if_error,
          .negative_ttl = options.negative_ttl};
}

const Clock& ClockOf(const Options& options) {
  return options.clock != nullptr ? *options.clock : Clock::System();
}

}  // namespace

std::optional<Result<std::unique_ptr<Cache>>> LateOpening::Begin() {
  std::unique_lock lock(mutex_);
  try {
    thread_ = std::thread([self = shared_from_this()] { self->Run(); });
  } catch (const std::system_error& error) {
    ended_ = true;
    return Status(StatusCode::kUnavailable, std::string("start a thread: ") + error.what());
  }
  changed_.wait_for(lock, timing_.patience, [this] { return ended_ || failure_.has_value(); });
  awaited_ = false;
  if (ended_) {
    std::thread thread = std::move(thread_);
    std::unique_ptr<Cache> cache = std::move(cache_);
    Status failure = failure_.value_or(Status::Ok());
    lock.unlock();
    thread.join();
    if (cache != nullptr) return Result<std::unique_ptr<Cache>>(std::move(cache));
    return failure.WithContext("open cache");
  }
  late_from_ = Steady::now();
  late_since_ = ClockOf(options_).Wall();
  counters_.Add(Counter::kFaultEpisodes);
  const std::string line = "store fault: reopening, " + std::string(HealthReasonName(Reason())) +
                           ": open cache: " + Detail();
  const std::shared_ptr<GuardedLog> log = log_;
  lock.unlock();
  if (log != nullptr) log->Write(LogLevel::kError, line);
  return std::nullopt;
}

void LateOpening::Run() {
  std::chrono::milliseconds pause = timing_.first_pause;
  while (!Attempt()) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, pause, [this] { return closing_; })) return End(lock);
    pause = std::min(2 * pause, timing_.longest_pause);
  }
}

void LateOpening::End(std::unique_lock<std::mutex>& lock) {
  ended_ = true;
  lock.unlock();
  changed_.notify_all();
}

// Whether that was all there was to do.
bool LateOpening::Attempt() {
  std::shared_ptr<CacheCore> core;
  Status status = Guarded([&] {
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return Status(StatusCode::kUnavailable, "the cache is closed");
      core = std::make_shared<CacheCore>(options_, internals_);
      opening_ = core;
      log_ = core->log();
      options_changed_ = false;
      attempt_began_ = Steady::now();
    }
    Status started = core->Start();
    return started.ok() ? Publish(core) : NameMistake(std::move(started), directory_);
  });
  if (status.ok()) return true;
  {
    const std::lock_guard lock(mutex_);
    opening_.reset();
  }
  core.reset();  // which may have to wait for the disk, too
  std::unique_lock lock(mutex_);
  if (ended_) return true;  // and had no memory to say so
  attempt_began_.reset();
  failure_ = std::move(status);
  if (awaited_ && !MayPass(*failure_)) {
    End(lock);
    return true;
  }
  changed_.notify_all();
  return false;
}

// With what has changed since it took its options.
Status LateOpening::Publish(const std::shared_ptr<CacheCore>& core) {
  std::unique_lock lock(mutex_);
  while (std::exchange(options_changed_, false) && !closing_) {
    const OptionsChange change = LiveOf(options_);
    lock.unlock();
    static_cast<void>(core->Change(change));  // they were found valid; the sizes it logs
    lock.lock();
  }
  if (closing_) {
    lock.unlock();
    Status closed = core->Close();
    lock.lock();
    closed_ = std::move(closed);
  } else {
    core->AddCounts(counters_);
    opened_at_ = core->LastNumber();
    cache_ = MakeCache(core);  // nothing that may fail comes after it
    if (!awaited_) published_.store(cache_.get(), std::memory_order_release);
  }
  opening_.reset();
  attempt_began_.reset();
  const bool is_late = cache_ != nullptr && !awaited_;
  const auto late = std::chrono::floor<std::chrono::milliseconds>(Steady::now() - late_from_);
  End(lock);
  if (is_late) {
    core->log()->Write(LogLevel::kInfo,
                       "the cache is open after " + std::to_string(late.count()) + " ms");
  }
  return Status::Ok();
}

// The caller holds mutex_, as for Detail.
HealthReason LateOpening::Reason() const {
  const bool hangs =
      attempt_began_.has_value() && Steady::now() - *attempt_began_ >= timing_.patience;
  if (hangs || !failure_.has_value()) return HealthReason::kHangingDisk;
  if (failure_->code() == StatusCode::kDataLoss) return HealthReason::kCorruption;
  if (failure_->code() == StatusCode::kResourceExhausted) return HealthReason::kDiskFull;
  return HealthReason::kIoError;
}

std::string LateOpening::Detail() const {
  if (Reason() == HealthReason::kHangingDisk) return "the disk does not answer";
  return failure_->message();
}

Health LateOpening::health() const {
  const std::lock_guard lock(mutex_);
  Health health;
  health.state = closing_ ? HealthState::kClosed : HealthState::kReopening;
  health.reads = false;
  health.writes = false;
  health.since = late_since_;
  if (closing_) return health;
  health.reason = Reason();
  health.detail = Detail();
  return health;
}

bool LateOpening::is_closing() const {
  const std::lock_guard lock(mutex_);
  return closing_;
}

Status LateOpening::Change(const OptionsChange& change) {
  std::unique_lock lock(mutex_);
  if (cache_ != nullptr) {
    lock.unlock();
    return cache_->Change(change);
  }
  if (closing_) return {StatusCode::kUnavailable, "the cache is closed"};
  Options changed = options_;
  Apply(change, changed);
  if (Status status = changed.Validate(); !status.ok()) return status;
  options_ = std::move(changed);
  options_changed_ = true;
  return Status::Ok();
}

void LateOpening::Shut() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  changed_.notify_all();
}

void LateOpening::Leave() {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) return;
  Abandon(lock);
}

// What belongs to the caller is not used any more: he may be gone when the disk answers.
void LateOpening::Abandon(std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<GuardedLog> log = log_;
  if (opening_ != nullptr) opening_->ForgetObserver();
  std::thread thread = std::move(thread_);
  lock.unlock();
  if (log != nullptr) log->Mute();
  if (thread.joinable()) thread.detach();
}

Status LateOpening::Close() {
  std::unique_lock lock(mutex_);
  if (cache_ == nullptr) closing_ = true;
  changed_.notify_all();
  const bool ended = changed_.wait_for(lock, internals_.close_patience, [this] { return ended_; });
  if (ended) {
    std::thread thread = std::move(thread_);
    const Status closed = closed_;
    lock.unlock();
    if (thread.joinable()) thread.join();
    return cache_ != nullptr ? cache_->Close() : closed;
  }
  Abandon(lock);
  return {StatusCode::kUnavailable, "the disk does not answer; closing goes on when it does"};
}

}  // namespace larder
