#include "soak_run.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace larder::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr seconds kSlice = 60s;
// One life of the process goes on so long, so that growth would show; then come ends and kills.
constexpr int kSlicesOfALife = 20;
// max_memory_bytes of the soak and what issue and contract allow beside it: 64 MiB of the engine's,
// 40 MiB of the gateway's, and under load 128 MiB.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kOfSanitizer = 16;  // shadow, and what is kept back once it is freed
#else
constexpr std::uint64_t kOfSanitizer = 1;
#endif
constexpr std::uint64_t kMostKibAtRest = (40 + 64 + 40) * kOfSanitizer * 1024;
constexpr std::uint64_t kMostKib = kMostKibAtRest + 128 * 1024;

std::uint64_t Sum(const SoakTally::Counts& counts) {
  std::uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

void PrintCounts(const char* title, const SoakTally::Counts& counts) {
  std::printf("%s\n", title);
  for (const auto& [name, count] : counts) {
    std::printf("  %-40s %10llu\n", name.c_str(), static_cast<unsigned long long>(count));
  }
}

}  // namespace

SoakRun::SoakRun(SoakOptions options)
    : options_(std::move(options)),
      world_(options_.larderd, options_.seed, options_.volumes),
      conductor_(world_, options_.seed) {}

SoakRun::~SoakRun() {
  stop_ = true;
  for (std::thread& caller : callers_) caller.join();
}

void SoakRun::CallUntilStopped(std::uint64_t seed) {
  SoakCaller caller(world_, seed);
  while (!stop_) {
    if (rest_) {
      caller.Rest();
      ++resting_;
      while (rest_ && !stop_) std::this_thread::sleep_for(10ms);
      --resting_;
    }
    caller.Step();
    std::this_thread::sleep_for(milliseconds(caller.Random(30)));
  }
}

ProcessSample SoakRun::SampleAtRest() {
  rest_ = true;
  // The longest call takes twelve seconds.
  for (int i = 0; i < 600 && resting_ < options_.callers; ++i) std::this_thread::sleep_for(100ms);
  if (resting_ < options_.callers) world_.tally.Find("a caller has waited for a minute");
  ProcessSample sample = SampleProcess(world_.gateway.pid());
  // What goes on without callers, and the ends of their connections.
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(200ms);
    const ProcessSample next = SampleProcess(world_.gateway.pid());
    sample.sockets = std::min(sample.sockets, next.sockets);
    sample.resident_kib = std::min(sample.resident_kib, next.resident_kib);
    sample.files = std::min(sample.files, next.files);
    sample.threads = std::min(sample.threads, next.threads);
  }
  rest_ = false;
  return sample;
}

void SoakRun::RunFault(bool ends_life) {
  std::vector<const SoakFault*>& left = next_[ends_life ? 1 : 0];
  if (left.empty()) {
    for (const SoakFault& one : SoakFaults()) {
      if (one.ends_life == ends_life) left.push_back(&one);
    }
  }
  const auto chosen = left.begin() + static_cast<std::ptrdiff_t>(conductor_.Random(left.size()));
  const SoakFault* const fault = *chosen;
  left.erase(chosen);
  world_.tally.CountFault(fault->name);
  fault->run(world_, conductor_);
  if (!world_.gateway.IsRunning()) {
    world_.tally.Find(std::string("the process ended after ") + fault->name + ": " +
                      world_.gateway.LastLog());
    world_.gateway.Start();
  }
  AwaitRecovery(world_, conductor_, fault->name);
}

// When a life is over, or the soak is.
void SoakRun::LookAtLife() {
  const std::string growth = GrowthIn(at_rest_);
  if (!growth.empty()) world_.tally.Find("over one life of the process " + growth);
  at_rest_.clear();
  watched_life_ = world_.gateway.life();
}

bool SoakRun::RunSlice(int index, seconds length) {
  const SoakTime end = SoakClock::now() + length;
  // A short soak has ends in all of it.
  const bool ends =
      options_.length < kSlice * kSlicesOfALife || index % kSlicesOfALife == kSlicesOfALife - 1;
  bool stopped = false;
  while (!stopped && SoakClock::now() < end) {
    RunFault(ends && conductor_.OneIn(3));
    const std::uint64_t kib = SampleProcess(world_.gateway.pid()).resident_kib;
    peak_kib_ = std::max(peak_kib_, kib);
    stopped = options_.wait(milliseconds(conductor_.Random(1'500)));
  }
  if (peak_kib_ > kMostKib) {
    world_.tally.Find("resident memory of " + std::to_string(peak_kib_) + " KiB under load");
  }
  const ProcessSample rest = SampleAtRest();
  if (watched_life_ != world_.gateway.life()) LookAtLife();
  at_rest_.push_back(rest);
  if (rest.resident_kib > kMostKibAtRest) {
    world_.tally.Find("resident memory of " + std::to_string(rest.resident_kib) + " KiB at rest");
  }
  PrintSlice(index, rest);
  return stopped;
}

void SoakRun::PrintSlice(int index, const ProcessSample& rest) {
  const SoakTally::Counts calls = world_.tally.calls();
  std::string line;
  for (const auto& [name, count] : calls) {
    const std::uint64_t more = count - last_calls_[name];
    if (more > 0) line += ", " + name + " " + std::to_string(more);
  }
  std::printf("%s slice %d: %llu calls%s; at rest %s; %llu findings\n", SoakTimeOfDay().c_str(),
              index + 1, static_cast<unsigned long long>(Sum(calls) - Sum(last_calls_)),
              line.c_str(), rest.Text().c_str(),
              static_cast<unsigned long long>(world_.tally.findings()));
  std::fflush(stdout);
  last_calls_ = calls;
}

void SoakRun::PrintSums() const {
  PrintCounts("\ncalls", world_.tally.calls());
  PrintCounts("faults", world_.tally.faults());
  std::printf("%llu calls, %llu faults, %d lives, at most %llu MiB resident\n",
              static_cast<unsigned long long>(Sum(world_.tally.calls())),
              static_cast<unsigned long long>(Sum(world_.tally.faults())), world_.gateway.life(),
              static_cast<unsigned long long>(peak_kib_ / 1024));
}

std::uint64_t SoakRun::Run() {
  if (!world_.gateway.has_volume()) {
    std::printf("mounting is not allowed here: no volume is filled or made read-only\n");
  }
  if (!world_.gateway.Start()) {
    world_.tally.Find("does not start: " + world_.gateway.why_not());
    return 1;
  }
  for (int i = 0; i < options_.callers; ++i) {
    callers_.emplace_back(
        [this, i] { CallUntilStopped(options_.seed * 1'000 + static_cast<std::uint64_t>(i) + 1); });
  }
  const seconds slice = std::min(kSlice, std::max(seconds(5), options_.length / 3));
  const SoakTime end = SoakClock::now() + options_.length;
  for (int index = 0; SoakClock::now() < end && !RunSlice(index, slice);) ++index;
  LookAtLife();
  stop_ = true;
  for (std::thread& caller : std::exchange(callers_, {})) caller.join();
  if (const int status = world_.gateway.Stop(); status != 0) {
    world_.tally.Find("SIGTERM ended it with status " + std::to_string(status));
  }
  PrintSums();
  return world_.tally.findings();
}

}  // namespace larder::testing
