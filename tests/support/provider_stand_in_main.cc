// provider_stand_in: replays recorded provider answers on loopback; see provider_stand_in.h.
// Prints "listening on http://127.0.0.1:PORT" and serves until SIGTERM or SIGINT.
//
// POST /stand-in/hold?events=N, release, cut?events=N, cut-nothing, reset;
// GET /stand-in/calls, /stand-in/wait?total=N&held=N&timeout_ms=N. All answer with the counts.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "provider_stand_in.h"

int main(int argc, char** argv) {
  larder::testing::StandInOptions options;
  int first_token_ms = 300;
  int longest_ms = 5000;
  double speed = 1;
  bool no_delay = false;
  CLI::App app("Replays recorded provider answers on loopback, at the pace of the recorded tokens");
  app.add_option("--port", options.port, "port to listen on; 0 = any")->capture_default_str();
  app.add_option("--first-token-ms", first_token_ms, "time to the first token")
      ->capture_default_str();
  app.add_option("--max-delay-ms", longest_ms, "no answer takes longer")->capture_default_str();
  app.add_option("--speed", speed, "how many times faster than 60 tokens a second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--no-delay", no_delay, "answer at once");
  CLI11_PARSE(app, argc, argv);
  if (!no_delay) {
    options.pace.first_token = std::chrono::milliseconds(static_cast<int>(first_token_ms / speed));
    options.pace.tokens_per_second = 60 * speed;
    options.pace.longest = std::chrono::milliseconds(longest_ms);
  }

  // Blocked in all threads before any starts, so that only sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const larder::testing::ProviderStandIn stand_in(options);
    std::printf("listening on %s\n", stand_in.url().c_str());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "provider_stand_in: %s\n", error.what());
    return 3;
  }
  return 0;
}
