// Does in a process of its own what could end the process, were the engine to let it: Debian's
// RocksDB has its assertions live. Run by store_fault_child_test, which wants exit status 0.
//
//   fault_child sweep DIRECTORY (full|io|descriptors) (once|on)   the n-th operation fails, all n
//   fault_child opening DIRECTORY (full|io|descriptors) (once|on) ... while the cache is opened
//   fault_child volume DIRECTORY    a volume that fills up, of which DIRECTORY is the mount point
//   fault_child readonly DIRECTORY  a volume that becomes read-only
//   fault_child descriptors DIRECTORY
#include <fcntl.h>
#include <rocksdb/system_clock.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>

#include "cache_core.h"
#include "fake_clock.h"
#include "faulty_file_system.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using testing::FaultyFileSystem;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "fault_child: %s\n", what.c_str());
  std::_Exit(1);
}

void Check(bool condition, const std::string& what) {
  if (!condition) Fail(what);
}

rocksdb::IOStatus FailureOf(const std::string& kind) {
  if (kind == "full") return rocksdb::IOStatus::NoSpace("No space left on device");
  if (kind == "io") return rocksdb::IOStatus::IOError("Input/output error");
  if (kind == "descriptors") return rocksdb::IOStatus::IOError("Too many open files");
  Fail("unknown kind " + kind);
}

// RocksDB's threads rest for a second after a failure; here for a millisecond.
class RestlessClock final : public rocksdb::SystemClockWrapper {
 public:
  RestlessClock() : rocksdb::SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "RestlessClock"; }
  void SleepForMicroseconds(int micros) override {
    rocksdb::SystemClockWrapper::SleepForMicroseconds(std::min(micros, 1000));
  }
};

class RestlessEnv final : public rocksdb::EnvWrapper {
 public:
  explicit RestlessEnv(rocksdb::Env* env) : rocksdb::EnvWrapper(env) {
    system_clock_ = std::make_shared<RestlessClock>();
  }
};

// A cache whose threads stand still, and what it has acknowledged.
class Subject {
 public:
  Subject(std::string directory, rocksdb::Env* env) : directory_(std::move(directory)), env_(env) {}

  Status Open() {
    Options options;
    options.directory = directory_;
    options.clock = &clock_;
    options.compression.level = 0;
    CacheInternals internals;
    internals.env = env_;
    internals.hot_tier = false;
    internals.threads = false;
    internals.reserve_bytes = 0;
    internals.write_buffer_bytes = std::uint64_t{64} << 10;
    Result<std::shared_ptr<CacheCore>> core = CacheCore::Open(options, internals);
    if (!core.ok()) return core.status();
    core_ = *std::move(core);
    return Status::Ok();
  }
  void Close() {
    static_cast<void>(core_->Close());
    core_.reset();
  }
  CacheCore& core() { return *core_; }

  void Put(int i) {
    const std::string key = "key " + std::to_string(i);
    std::string body(8000, '\0');
    for (char& byte : body) byte = static_cast<char>(random_());
    const Result<PutOutcome> outcome = core_->Put(key, body, {.ttl = kForever});
    if (outcome.ok()) values_[key] = std::move(body);
    if (!outcome.ok()) unsure_.insert(key);
  }
  void Remove(int i) {
    const std::string key = "key " + std::to_string(i);
    if (core_->Remove(key).ok()) {
      values_.erase(key);
    } else {
      unsure_.insert(key);
    }
  }
  // Puts enough for several memtables, removes, invalidates, merges and reads.
  void Work() {
    for (int i = 0; i < 20; ++i) Put(i);
    Remove(3);
    const Invalidation what{.tags = {"nothing has it"}};
    static_cast<void>(core_->Invalidate({&what, 1}));
    static_cast<void>(core_->CompactAll());
    for (int i = 10; i < 30; ++i) Put(i);
    CheckReads("under the fault", /*all=*/false);
  }
  // Nothing wrong is read; nothing that was acknowledged is lost once the store is healed.
  void CheckReads(const std::string& when, bool all) {
    for (int i = 0; i < 40; ++i) {
      const std::string key = "key " + std::to_string(i);
      const std::optional<Hit> hit = core_->Get(key, {});
      if (unsure_.contains(key)) continue;
      const auto value = values_.find(key);
      if (hit) {
        Check(value != values_.end() && hit->entry.body() == value->second,
              key + " is wrong " + when);
      } else if (all) {
        Check(value == values_.end(), key + " is lost " + when);
      }
    }
  }
  // Waits for the store's own threads, which may have met the fault and not yet told.
  bool IsWell() {
    return core_->DictionariesInUse().ok() && core_->GetHealth().state == HealthState::kServing;
  }
  // The cause is gone: the store must come back by itself.
  void Heal() {
    for (int i = 0; i < 4 && !IsWell(); ++i) {
      clock_.Advance(65s);
      core_->Care();
    }
    const Health health = core_->GetHealth();
    Check(health.state == HealthState::kServing,
          "not serving again: " + std::string(HealthStateName(health.state)) + " " + health.detail);
  }
  void CheckHealed() {
    Heal();
    CheckReads("after healing", /*all=*/core_->GetStats().quarantined == 0);
    unsure_.clear();
    Put(1000);
    Check(core_->Get("key 1000", {}).has_value(), "a new value is not found after healing");
  }

 private:
  const std::string directory_;
  rocksdb::Env* const env_;
  testing::FakeClock clock_;
  std::mt19937_64 random_{1};
  std::shared_ptr<CacheCore> core_;
  std::map<std::string, std::string> values_;
  std::set<std::string> unsure_;
};

// For n = 1, 2, ... until a whole run takes fewer operations.
int Sweep(const std::string& root, const std::string& kind, bool on, bool while_opening) {
  for (std::uint64_t n = 1;; ++n) {
    std::printf("operation %lu\n", static_cast<unsigned long>(n));
    std::fflush(stdout);
    const auto files = std::make_shared<FaultyFileSystem>();
    const std::unique_ptr<rocksdb::Env> faulty = rocksdb::NewCompositeEnv(files);
    RestlessEnv env(faulty.get());
    const std::string directory = root + "/" + std::to_string(n);
    Subject subject(directory, &env);
    Check(subject.Open().ok(), "cannot open");
    if (while_opening) {
      subject.Work();
      subject.Close();
    }
    const std::uint64_t before = files->operations();
    files->FailOperations(n, on ? UINT64_MAX / 2 : 1, FailureOf(kind));
    if (while_opening) {
      const Status status = subject.Open();
      Check(status.ok(), status.ToString());
      files->FailNothing();
    } else {
      subject.Work();
      files->FailNothing();
    }
    const bool done = files->operations() - before < n;
    subject.CheckHealed();
    subject.Close();
    std::filesystem::remove_all(directory);
    if (done) return 0;
  }
}

// Fills what is left of a volume with a file.
void Fill(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  for (std::size_t size = std::size_t{1} << 20; size > 0; size /= 2) {
    const std::string block(size, 'f');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
  }
  ::close(fd);
}

int FullVolume(const std::string& mount_point) {
  Subject subject(mount_point + "/cache", rocksdb::Env::Default());
  Check(subject.Open().ok(), "cannot open");
  for (int i = 0; i < 10; ++i) subject.Put(i);
  Fill(mount_point + "/filler");
  subject.Work();
  Check(subject.core().GetHealth().state == HealthState::kDegraded, "a full disk was not noticed");
  Check(subject.core().GetHealth().reason == HealthReason::kDiskFull, "taken for something else");
  subject.core().Care();
  Check(subject.core().GetHealth().state == HealthState::kDegraded, "served on a full disk");
  std::filesystem::remove(mount_point + "/filler");
  subject.CheckHealed();
  subject.Close();
  return 0;
}

int ReadOnlyVolume(const std::string& mount_point) {
  Subject subject(mount_point + "/cache", rocksdb::Env::Default());
  Check(subject.Open().ok(), "cannot open");
  for (int i = 0; i < 10; ++i) subject.Put(i);
  Check(subject.core().CompactAll().ok(), "cannot merge");
  subject.Close();
  const auto remount = [&](unsigned long flags) {
    Check(::mount("none", mount_point.c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0,
          "cannot remount");
  };
  remount(MS_RDONLY);
  const Status status = subject.Open();
  Check(status.code() == StatusCode::kUnavailable, "opened read-only: " + status.ToString());
  remount(0);
  Check(subject.Open().ok(), "cannot open again");
  subject.CheckHealed();
  subject.Close();
  return 0;
}

int FewDescriptors(const std::string& directory) {
  Subject subject(directory + "/cache", rocksdb::Env::Default());
  Check(subject.Open().ok(), "cannot open");
  for (int i = 0; i < 10; ++i) subject.Put(i);
  const int next = ::dup(0);
  ::close(next);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  for (const rlim_t more : {0, 1, 2, 3, 5, 8}) {
    const rlimit few{static_cast<rlim_t>(next) + more, before.rlim_max};
    Check(::setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
    subject.Work();
    subject.core().Care();
    subject.Work();
    ::setrlimit(RLIMIT_NOFILE, &before);
    subject.CheckHealed();
  }
  Check(subject.core().GetStats().fault_episodes > 0, "there were enough descriptors all along");
  subject.Close();
  return 0;
}

int Run(const std::string& what, const std::string& directory, int count, char** more) {
  const bool on = count == 2 && std::string(more[1]) == "on";
  if (what == "sweep" && count == 2) return Sweep(directory, more[0], on, false);
  if (what == "opening" && count == 2) return Sweep(directory, more[0], on, true);
  if (what == "volume") return FullVolume(directory);
  if (what == "readonly") return ReadOnlyVolume(directory);
  if (what == "descriptors") return FewDescriptors(directory);
  Fail("unknown task " + what);
}

}  // namespace
}  // namespace larder

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  return larder::Run(argv[1], argv[2], argc - 3, argv + 3);
}
