// monitor: hits and misses of a running larderd, as they happen.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

// Short for who looks on, long for a process that is asked.
constexpr std::chrono::milliseconds kBetweenLooks{100};

std::string Facts(const ordered_json& event) {
  const std::string kind = event["event"].get<std::string>();
  std::string text = kind;
  if (kind == "miss") text += ", " + event["reason"].get<std::string>();
  if (kind == "hit") {
    text += event["stale"].get<bool>() ? ", stale" : "";
    text += event["in_memory"].get<bool>() ? ", from memory" : ", from disk";
    text += ", saved " + ShowMicroUsd(event["microusd"]) + " and " + ShowMs(event["ms"]);
  }
  if (kind == "stored") {
    text += ", " + ShowBytes(event["raw_bytes"]) + " -> " + ShowBytes(event["stored_bytes"]) +
            ", cost " + ShowMicroUsd(event["microusd"]) + " and " + ShowMs(event["ms"]);
  }
  return text;
}

void Show(const ordered_json& event, Console& console) {
  if (console.json()) return console.Line(event.dump());
  console.Line(ShowDate(event["unix_ms"]) + "  " + event["key"].get<std::string>() + "  " +
               Facts(event));
}

Result<ordered_json> Look(CacheAccess& process, std::uint64_t after) {
  admin::AdminRequest request{.method = "GET", .path = "/v1/events"};
  request.query.emplace("after", std::to_string(after));
  const Result<std::string> answer = process.Call(request);
  if (!answer.ok()) return answer.status();
  return ordered_json::parse(*answer);
}

}  // namespace

Result<tools::ExitStatus> RunMonitor(const Invocation& invocation, Console& console) {
  const Result<std::uint32_t> limit = ReadNumber(invocation, "--limit", UINT32_MAX);
  if (!limit.ok()) return limit.status();
  const Result<std::unique_ptr<CacheAccess>> process =
      ReachRunning(invocation, "what nobody uses has no hits and misses");
  if (!process.ok()) return process.status();
  std::uint32_t shown = 0;
  Result<ordered_json> look = Look(**process, 0);
  if (look.ok()) console.Note("cachectl: watching");
  while (look.ok() && shown < *limit && !console.failed()) {
    std::this_thread::sleep_for(kBetweenLooks);
    look = Look(**process, (*look)["next"].get<std::uint64_t>());
    if (!look.ok()) break;
    if (const auto lost = (*look)["lost"].get<std::uint64_t>(); lost > 0) {
      console.Note("cachectl: " + ShowCount(lost) + " went by unseen");
    }
    for (const ordered_json& event : (*look)["events"]) {
      if (shown++ < *limit) Show(event, console);
    }
    std::fflush(stdout);
  }
  if (!look.ok()) return look.status();
  return tools::kExitDone;
}

}  // namespace larder::cachectl
