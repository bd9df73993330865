#include "crashable_cache.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "memory_file_system.h"

namespace larder::testing {

CrashableCache::Machine::Machine(std::unique_ptr<MemoryDisk> its_disk)
    : disk(std::move(its_disk)),
      env(rocksdb::NewCompositeEnv(MakeMemoryFileSystem(*disk))),
      journal(std::make_unique<DiskJournalFiles>(*disk)) {}

CrashableCache::CrashableCache(Options options, const CacheInternals& internals, std::uint64_t seed,
                               bool real_files)
    : options_(std::move(options)),
      internals_(internals),
      real_files_(real_files),
      machine_(std::make_unique<Machine>(std::make_unique<MemoryDisk>(seed))) {
  options_.directory = dir_ / "cache";
  options_.clock = &clock_;
  options_.log = [this](LogLevel level, std::string_view line) {
    if (level != LogLevel::kError) return;
    const std::lock_guard lock(mutex_);
    errors_.emplace_back(line);
  };
}

CrashableCache::~CrashableCache() = default;

Result<std::shared_ptr<CacheCore>> CrashableCache::OpenOn(Machine& machine, bool hot_tier) {
  CacheInternals internals = internals_;
  if (!real_files_) {
    internals.env = machine.env.get();
    internals.journal_files = machine.journal.get();
  }
  internals.hot_tier = hot_tier;
  internals.threads = false;                         // no time passes but by the test's hand
  internals.close_patience = std::chrono::hours(1);  // nor does a busy machine end a close early
  return CacheCore::Open(options_, internals);
}

Status CrashableCache::Open() {
  if (image_ != nullptr) machine_ = std::make_unique<Machine>(std::move(image_));
  Result<std::shared_ptr<CacheCore>> opened = OpenOn(*machine_, internals_.hot_tier);
  if (!opened.ok()) return opened.status();
  core_ = *std::move(opened);
  cache_ = MakeCache(core_);
  return Status::Ok();
}

std::optional<std::string> CrashableCache::ReadStateFile() const {
  std::ifstream file(options_.directory + "/state", std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void CrashableCache::WriteStateFile(const std::optional<std::string>& bytes) const {
  const std::string path = options_.directory + "/state";
  std::filesystem::remove(path);
  if (bytes.has_value()) std::ofstream(path, std::ios::binary) << *bytes;
}

void CrashableCache::ArmCrash(Crash how, std::uint64_t operations, bool this_thread_only) {
  machine_->disk->ArmCrash({.operations = operations,
                            .how = how,
                            .this_thread_only = this_thread_only,
                            .at_crash = [this] { state_at_crash_ = ReadStateFile(); }});
}

bool CrashableCache::TakeCrash() {
  image_ = machine_->disk->TakeCrash();
  return image_ != nullptr;
}

void CrashableCache::CrashNow(Crash how) {
  image_ = machine_->disk->Image(how);
  state_at_crash_ = ReadStateFile();
}

Status CrashableCache::Look(const std::function<void(Cache&)>& look) {
  Machine copy(image_->Image(Crash::kKill));
  Result<std::shared_ptr<CacheCore>> opened = OpenOn(copy, false);
  if (!opened.ok()) return opened.status();
  std::unique_ptr<Cache> cache = MakeCache(*std::move(opened));
  opened = Status(StatusCode::kUnavailable, "closed");
  look(*cache);
  cache.reset();
  WriteStateFile(state_at_crash_);
  return Status::Ok();
}

Status CrashableCache::Restart(std::optional<std::uint64_t> again) {
  Close();
  WriteStateFile(state_at_crash_);
  if (!again.has_value()) return Status::Ok();
  // The first process to find this dies while it opens.
  auto found = std::make_unique<Machine>(std::move(image_));
  found->disk->ArmCrash(
      {.operations = *again, .how = Crash::kKill, .this_thread_only = true, .at_crash = [this] {
         state_at_crash_ = ReadStateFile();
       }});
  const Status status = OpenOn(*found, false).status();
  image_ = found->disk->TakeCrash();
  if (image_ == nullptr) {
    image_ = found->disk->Image(Crash::kKill);
    state_at_crash_ = ReadStateFile();
  }
  WriteStateFile(state_at_crash_);
  return status;
}

std::vector<std::string> CrashableCache::TakeErrors() {
  const std::lock_guard lock(mutex_);
  return std::exchange(errors_, {});
}

}  // namespace larder::testing
