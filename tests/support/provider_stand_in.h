// ProviderStandIn: a provider on loopback that replays recorded answers, JSON and streams.
//
// A request is matched to its recorded answer by, in this order:
//   - a path prefix that names it: /recorded/chat_completions.json/12/v1/chat/completions
//   - the header `x-recorded: chat_completions.json/12`
//   - its body, compared as JSON values, and its endpoint; where a request was recorded several
//     times, its answers take turns
// Anything else is a 404 in OpenAI's error shape. A path that begins with /echo/ gets its own
// request back: the body, with method, target and every header as `x-echo-...`.
// Under /stand-in/ the program serves what the class offers (provider_stand_in_main.cc).
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "recorded.h"

namespace larder::testing {

// How long answers take: first token, then the recorded number of tokens at this speed.
struct StandInPace {
  std::chrono::milliseconds first_token{0};
  double tokens_per_second = 0;  // 0 = as fast as can be
  // An answer takes no longer than this in all; a stream is sped up evenly.
  std::chrono::milliseconds longest{std::chrono::seconds(5)};
};

struct StandInOptions {
  int port = 0;  // 0 = any free one
  StandInPace pace = {};
  // Files of tests/data/recorded; of a request in several files the first file counts.
  std::vector<std::string> files = RecordedNames();
};

struct StandInCalls {
  std::size_t total = 0;    // requests for a recorded or an unknown answer, and echoes
  std::size_t held = 0;     // waiting at the gate just now
  std::size_t running = 0;  // begun and not yet answered whole
  std::size_t cut = 0;      // given up by the caller, or cut short as asked
  std::map<std::string, std::size_t> by_recording;  // "chat_completions.json/12" -> calls
  HeaderList last_headers;                          // of the latest request
};

// Thread-safe.
class ProviderStandIn {
 public:
  // Listens when it returns. Throws std::runtime_error (port taken, data missing).
  explicit ProviderStandIn(const StandInOptions& options = {});
  // Releases what is held and waits for the answers in progress.
  ~ProviderStandIn();
  ProviderStandIn(const ProviderStandIn&) = delete;
  ProviderStandIn& operator=(const ProviderStandIn&) = delete;

  std::string url() const;  // "http://127.0.0.1:PORT"

  // From now on answers wait: JSON before its head, streams after `events` events (0: before the
  // head too), until Release.
  void Hold(std::size_t events = 0);
  void Release();
  // From now on the connection is cut after this many events of a stream, or after the head and
  // half of the body of a JSON answer. CutNothing ends it.
  void CutAfter(std::size_t events);
  void CutNothing();

  StandInCalls calls() const;
  void ResetCalls();
  // Whether the condition came true in time: so many requests in all, so many waiting at the gate.
  bool WaitForTotal(std::size_t count, std::chrono::milliseconds timeout) const;
  bool WaitForHeld(std::size_t count, std::chrono::milliseconds timeout) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace larder::testing
