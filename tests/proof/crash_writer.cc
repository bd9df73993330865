// A process to be killed: several threads write to one cache, each to keys and tags of its own,
// and say line by line and unbuffered what they are about to do and what came of it
// (kill_loop.h). Ends itself at the n-th passage of a kill point, if told to.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cache_core.h"
#include "kill_loop.h"
#include "kill_point.h"

namespace larder::testing {
namespace {

const char* point_to_die_at = "";
std::atomic<int> passages_left{0};

void DieAtPoint(const char* name) {
  if (std::strcmp(name, point_to_die_at) != 0) return;
  if (passages_left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

// Short enough to be whole in a pipe whatever else is written to it.
void Say(int lane, const std::string& line) {
  const std::string said = std::to_string(lane) + "\t" + line + "\n";
  if (::write(STDOUT_FILENO, said.data(), said.size()) != static_cast<ssize_t>(said.size())) {
    std::_Exit(3);
  }
}

class Lane {
 public:
  Lane(Cache& cache, int lane, std::uint64_t seed) : cache_(cache), lane_(lane), random_(seed) {}

  [[noreturn]] void Run() {
    while (true) {
      key_ = SomeKey();
      tag_ = TagOfKey(key_);
      const std::uint64_t dice = random_() % 40;
      if (dice < 24) {
        Step(dice);
      } else {
        RarerStep(dice - 24);
      }
    }
  }

 private:
  void Step(std::uint64_t dice) {
    if (dice < 14) {
      const std::string value = NewValue();
      Say(lane_, "put\t" + key_ + "\t" + tag_ + "\t" + value);
      Answer(cache_.Put(key_, value, {.ttl = kTtlPut, .tags = {tag_}}).ok());
    } else if (dice < 17) {
      Say(lane_, "remove\t" + key_);
      Answer(cache_.Remove(key_).ok());
    } else if (dice < 20) {
      Say(lane_, "tag\t" + tag_);
      Answer(cache_.Invalidate({.tags = {tag_}}).ok());
    } else if (!lease_.has_value()) {
      Say(lane_, "lease\t" + key_);
      Acquired acquired = cache_.Acquire(key_, {.newer_than = kRefresh});
      lease_ = std::get<Lease>(std::move(acquired));
      lease_key_ = key_;
      lease_tag_ = tag_;
      Answer(true);
    } else {
      const std::string value = NewValue();
      Say(lane_, "commit\t" + lease_key_ + "\t" + lease_tag_ + "\t" + value);
      const Committed committed = lease_->Commit(value, {.ttl = kTtlPut, .tags = {lease_tag_}});
      lease_.reset();
      if (!committed.status.ok()) GiveUp();
      Say(lane_, committed.outcome == PutOutcome::kStored ? "=" : "-");
    }
  }

  void RarerStep(std::uint64_t dice) {
    if (dice < 6) {
      Say(lane_, "touch\t" + key_);
      const Status status = cache_.Touch(key_, kTtlTouched);
      if (!status.ok() && status.code() != StatusCode::kNotFound) GiveUp();
      Say(lane_, status.ok() ? "=" : "-");
    } else if (dice < 10) {
      PutSeveral();
    } else if (dice < 12) {
      const std::string other = TagOfKey(SomeKey());
      Say(lane_, "tags\t" + tag_ + "\t" + other);
      const std::vector<Invalidation> several = {{.tags = {tag_}}, {.tags = {other}}};
      Answer(cache_.MultiInvalidate(several).ok());
    } else if (dice < 13) {
      const std::string prefix = key_.substr(0, key_.size() - random_() % 2);
      Say(lane_, "prefix\t" + prefix);
      Answer(cache_.Invalidate({.prefixes = {prefix}}).ok());
    } else {
      Say(lane_, "soft\t" + tag_);
      Answer(cache_.Invalidate({.tags = {tag_}, .soft = true}).ok());
    }
  }

  void PutSeveral() {
    std::vector<std::string> keys;
    std::vector<std::string> values;
    std::string said = "puts";
    for (int i = 0; i < 3; ++i) {
      keys.push_back(SomeKey());
      values.push_back(NewValue().substr(0, 1000));
      said += "\t" + keys.back() + "\t" + TagOfKey(keys.back()) + "\t" + values.back();
    }
    Say(lane_, said);
    std::vector<PutRequest> puts;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      puts.push_back({.key = keys[i],
                      .body = values[i],
                      .options = {.ttl = kTtlPut, .tags = {TagOfKey(keys[i])}}});
    }
    bool ok = true;
    for (const Result<PutOutcome>& outcome : cache_.MultiPut(puts)) ok = ok && outcome.ok();
    Answer(ok);
  }

  std::string SomeKey() {
    return "key " + std::to_string(lane_) + "." + std::to_string(random_() % kKeysOfLane);
  }
  std::string NewValue() { return std::to_string(random_()) + std::string(random_() % 3000, '.'); }
  void Answer(bool ok) {
    if (!ok) GiveUp();
    Say(lane_, "=");
  }
  // Refused: on a machine so busy that the watchdog took the disk for hanging. What was refused may
  // or may not hold, as if this had been killed in the call.
  [[noreturn]] void GiveUp() {
    Say(lane_, "refused");
    ::kill(::getpid(), SIGKILL);
    std::_Exit(4);
  }

  Cache& cache_;
  const int lane_;
  std::mt19937_64 random_;
  std::string key_;
  std::string tag_;
  std::optional<Lease> lease_;
  std::string lease_key_;
  std::string lease_tag_;
};

int Main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  const int lanes = std::atoi(argv[3]);
  point_to_die_at = argv[4];
  passages_left = std::atoi(argv[5]);
  kill_point_hook = DieAtPoint;
  Options options;
  options.directory = argv[1];
  // Small, so that journals and memtables are renewed in every round.
  auto cache =
      OpenCache(options, {.write_buffer_bytes = std::uint64_t{64} << 10, .journal_room = 8});
  if (!cache.ok()) {
    std::fprintf(stderr, "%s\n", cache.status().ToString().c_str());
    return 1;
  }
  std::vector<std::thread> threads;
  for (int lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&cache, lane, seed, lanes] {
      Lane(**cache, lane, seed * static_cast<unsigned>(lanes) + static_cast<unsigned>(lane)).Run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace larder::testing

int main(int argc, char** argv) { return larder::testing::Main(argc, argv); }
