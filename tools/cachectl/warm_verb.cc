// warm: sends the requests of a file through a running larderd, so that their answers are there.
#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "console.h"
#include "gateway_caller.h"
#include "human_units.h"
#include "line_source.h"
#include "progress.h"
#include "request_file.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostLineBytes = std::size_t{64} << 20;
constexpr std::uint32_t kUsualParallel = 4;
constexpr std::uint32_t kMostParallel = 256;
constexpr int kFirstError = 400;
// More of the same says nothing new.
constexpr std::uint64_t kMostTold = 10;

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

// A line is the body of a request, or {"path", "headers", "body"}.
Result<client::Request> ReadLine(const std::string& line, const client::Request& usual) {
  const ordered_json json = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Invalid("not a JSON object");
  client::Request request = usual;
  request.body = line;
  if (!json.contains("body")) return request;
  if (!json["body"].is_object()) return Invalid("`body` is not a JSON object");
  request.body = json["body"].dump();
  const ordered_json path = json.value("path", ordered_json(usual.target));
  const ordered_json headers = json.value("headers", ordered_json::object());
  if (!path.is_string() || !headers.is_object()) {
    return Invalid("`path` is not a text, or `headers` no object");
  }
  request.target = path.get<std::string>();
  if (!request.target.starts_with('/')) return Invalid("`path` does not begin with a slash");
  for (const auto& [name, value] : headers.items()) {
    if (!value.is_string()) return Invalid("the header `" + name + "` is not a text");
    request.headers.Set(name, value.get<std::string>());
  }
  return request;
}

// The lines of the file, dealt out to several callers, and what became of them.
class Warming {
 public:
  Warming(LineSource lines, client::Request usual, Console& console)
      : lines_(std::move(lines)),
        usual_(std::move(usual)),
        console_(console),
        progress_("warming", lines_.size()) {}

  // Until there is no line left, or the file cannot be read on.
  void Run(GatewayCaller& caller) {
    while (std::optional<std::pair<std::uint64_t, std::string>> line = Next()) {
      Result<client::Request> request = ReadLine(line->second, usual_);
      if (!request.ok()) {
        Tell(line->first, request.status().message());
        continue;
      }
      const Result<GatewayAnswer> answer = caller.Send(*std::move(request));
      Count(line->first, answer);
    }
  }

  Result<tools::ExitStatus> Finish() {
    progress_.Clear();
    if (!broken_.ok()) return broken_;
    if (console_.json()) {
      console_.Line(ordered_json{
          {"hits", hits_}, {"fetched", fetched_}, {"not_cached", not_cached_}, {"failed", failed_}}
                        .dump());
    } else {
      console_.Table({{"fetched", ShowCount(fetched_)},
                      {"there already", ShowCount(hits_)},
                      {"not cached", ShowCount(not_cached_)},
                      {"failed", ShowCount(failed_)}});
    }
    return failed_ > 0 ? tools::kExitFailed : tools::kExitDone;
  }

 private:
  std::optional<std::pair<std::uint64_t, std::string>> Next() {
    const std::lock_guard lock(mutex_);
    while (broken_.ok()) {
      Result<std::optional<std::string>> line = lines_.Next(kMostLineBytes);
      if (!line.ok()) broken_ = line.status();
      if (!line.ok() || !*line) break;
      if ((*line)->find_first_not_of(" \t\r") == std::string::npos) continue;
      return std::pair(lines_.number(), **std::move(line));
    }
    return std::nullopt;
  }

  void Count(std::uint64_t number, const Result<GatewayAnswer>& answer) {
    if (!answer.ok()) return Tell(number, answer.status().message());
    if (answer->status >= kFirstError) {
      return Tell(number, "answered with status " + std::to_string(answer->status));
    }
    const std::lock_guard lock(mutex_);
    const bool hit = answer->cache_status.find("larder; hit") != std::string::npos;
    const bool past = answer->cache_status.find("fwd=bypass") != std::string::npos;
    ++(hit ? hits_ : past ? not_cached_ : fetched_);
    progress_.Show(lines_.bytes_read(), ShowCount(hits_ + fetched_ + not_cached_ + failed_));
  }

  void Tell(std::uint64_t number, const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (++failed_ > kMostTold) return;
    progress_.Clear();
    console_.Note("cachectl: line " + std::to_string(number) + ": " + why);
  }

  std::mutex mutex_;  // of all that follows but usual_
  LineSource lines_;
  const client::Request usual_;
  Console& console_;
  Progress progress_;
  Status broken_;
  std::uint64_t hits_ = 0;
  std::uint64_t fetched_ = 0;
  std::uint64_t not_cached_ = 0;
  std::uint64_t failed_ = 0;
};

Result<std::string> GatewayUrl(const Invocation& invocation, const tools::GatewayConfig& gateway) {
  if (invocation.Has("--gateway")) return invocation.Value("--gateway");
  if (gateway.port == 0) {
    return Invalid("gateway.listen takes any free port: say with --gateway where larderd listens");
  }
  return "http://" + gateway.listen;
}

}  // namespace

Result<tools::ExitStatus> RunWarm(const Invocation& invocation, Console& console) {
  const Result<std::uint32_t> given = ReadNumber(invocation, "--parallel", kUsualParallel);
  if (!given.ok()) return given.status();
  Result<RequestFile> usual = ReadUsualRequest(invocation);
  if (!usual.ok()) return usual.status();
  const Result<std::string> url = GatewayUrl(invocation, usual->config.gateway);
  if (!url.ok()) return url.status();
  std::vector<std::unique_ptr<GatewayCaller>> callers;
  for (std::uint32_t i = 0; i < std::min(*given, kMostParallel); ++i) {
    Result<std::unique_ptr<GatewayCaller>> caller = GatewayCaller::Create(*url);
    if (!caller.ok()) return caller.status().WithContext("--gateway");
    callers.push_back(*std::move(caller));
  }
  Result<LineSource> lines = LineSource::Open(invocation.arguments[0]);
  if (!lines.ok()) return lines.status();
  usual->request.headers.Set("content-type", "application/json");
  Warming warming(*std::move(lines), std::move(usual->request), console);
  {
    std::vector<std::jthread> threads;
    for (const auto& caller : callers) {
      threads.emplace_back([&warming, &caller] { warming.Run(*caller); });
    }
  }
  return warming.Finish();
}

}  // namespace larder::cachectl
