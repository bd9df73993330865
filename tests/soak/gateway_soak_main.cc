// gateway_soak: the real larderd before a provider that misbehaves, for as long as is said; see
// soak_oracle.h for what is checked. Run by scripts/soak_gateway, and for seconds by ctest.
//
// Exit status: 0 nothing was found, 1 something was, 2 wrong usage.
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "soak_run.h"

namespace larder::testing {
namespace {

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for the time or for a signal to end; true if it was the signal.
bool WaitForEnd(std::chrono::milliseconds time) {
  const sigset_t signals = EndSignals();
  const timespec most{time.count() / 1000, time.count() % 1000 * 1'000'000};
  return ::sigtimedwait(&signals, nullptr, &most) > 0;
}

bool Parse(std::string_view argument, SoakOptions& options) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = argument.substr(0, equals);
  const std::string value(argument.substr(equals + 1));
  if (name == "--larderd") {
    options.larderd = value;
    return !value.empty();
  }
  char* end = nullptr;
  const unsigned long long number = std::strtoull(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0') return false;
  if (name == "--seed") {
    options.seed = number;
  } else if (name == "--seconds" && number > 0) {
    options.length = std::chrono::seconds(number);
  } else {
    return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  SoakOptions options;
  options.larderd = LARDERD_PROGRAM;
  for (int i = 1; i < argc; ++i) {
    if (Parse(argv[i], options)) continue;
    std::fprintf(stderr, "usage: gateway_soak [--seed=N] [--seconds=N] [--larderd=PATH]\n");
    return 2;
  }
  // In all threads, before there are any: only WaitForEnd takes them.
  const sigset_t signals = EndSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  options.volumes = EnterOwnMountNamespace();
  options.wait = WaitForEnd;
  const std::uint64_t seed = options.seed;
  const SoakTime begin = SoakClock::now();
  const std::uint64_t findings = SoakRun(std::move(options)).Run();
  const auto minutes = std::chrono::duration<double, std::ratio<60>>(SoakClock::now() - begin);
  std::printf("seed %llu, %.1f minutes\n", static_cast<unsigned long long>(seed), minutes.count());
  if (findings == 0) {
    std::printf("verdict: nothing found\n");
  } else {
    std::printf("verdict: %llu findings\n", static_cast<unsigned long long>(findings));
  }
  return findings == 0 ? 0 : 1;
}

}  // namespace
}  // namespace larder::testing

int main(int argc, char** argv) { return larder::testing::Main(argc, argv); }
