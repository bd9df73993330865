// doctor: what is wrong with a cache, and what to do about it.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cache_access.h"
#include "console.h"
#include "directory_check.h"
#include "human_units.h"
#include "tool_config.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

// The cache's own time may run ahead of the wall clock by what the wall's own steps explain.
constexpr std::int64_t kClockPatienceMs = 2'000;

// Lines of the engine's log, which it writes from threads of its own for as long as it is open.
class Complaints {
 public:
  void Add(std::string_view line) {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<std::string> Lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

// One examination, from the outside to the inside; what cannot be looked at ends it.
class Examination {
 public:
  explicit Examination(const Invocation& invocation) : invocation_(invocation) {}

  Findings Run();

 private:
  bool ReadConfig();
  std::unique_ptr<CacheAccess> ReachHeld();
  std::unique_ptr<CacheAccess> OpenUnheld();
  void CheckStore(CacheAccess& cache);
  void CheckHealth(const ordered_json& stats);
  void CheckCounters(const ordered_json& stats);
  void CheckClock(const ordered_json& stats);
  void Add(Finding finding) { findings_.push_back(std::move(finding)); }

  const Invocation& invocation_;
  CachePlace place_;
  std::optional<std::uint64_t> max_disk_bytes_;  // unset: the configuration was not read
  Findings findings_;
};

// Whether it is known where the cache is.
bool Examination::ReadConfig() {
  Result<CachePlace> place = FindCache(invocation_);
  if (!place.ok()) {
    Add({"configuration", place.status().message(),
         "correct it; `cachectl config check` tells "
         "when it is right",
         tools::kExitUsage});
    // The directory may be known all the same.
    if (!invocation_.Has("--dir")) return false;
    place_.options.directory = invocation_.Value("--dir");
    place_.socket = place_.options.directory + "/admin.sock";
    return true;
  }
  place_ = *std::move(place);
  if (invocation_.Has("--dir") && !invocation_.Has("--config")) return true;
  max_disk_bytes_ = place_.options.max_disk_bytes;
  const Result<tools::ToolConfig> config = tools::LoadToolConfig(invocation_.Value("--config"));
  if (!config.ok()) return true;
  Add({"configuration",
       config->file.empty() ? "built in: no file was found" : config->file + " is sound"});
  if (!config->admin.socket) {
    Add({"configuration",
         "admin.socket is null: cachectl cannot reach a process that holds the "
         "cache",
         "set admin.socket to \"auto\"", tools::kExitNotFound});
  }
  if (config->admin.token) {
    if (Status status = config->admin.token->Resolve().status(); !status.ok()) {
      Add({"configuration", "admin.token: " + status.message(), "provide that secret",
           tools::kExitUsage});
    }
  }
  return true;
}

// Through the socket, if it is served. Null: it is not.
std::unique_ptr<CacheAccess> Examination::ReachHeld() {
  const Result<bool> served = IsServed(place_.socket);
  if (!served.ok()) {
    Add({"socket", served.status().message(), "see who is in the way there, and as whom this runs",
         tools::kExitUnreachable});
    return nullptr;
  }
  if (!*served) return nullptr;
  Add({"socket", place_.socket + " is served"});
  return ReachSocket(place_.socket);
}

// What the engine has to say while it opens the cache is part of what is wrong with it.
std::unique_ptr<CacheAccess> Examination::OpenUnheld() {
  if (IsHeld(place_.options.directory)) {
    Add({"socket",
         "the process that has the cache open serves no admin socket: nothing more can "
         "be seen from here",
         "larderd: set admin.socket; a program of your own: larder/admin/admin_server.h, one line",
         tools::kExitUnreachable});
    return nullptr;
  }
  const auto complaints = std::make_shared<Complaints>();
  Options options = place_.options;
  options.log = [complaints](LogLevel level, std::string_view line) {
    if (level >= LogLevel::kWarning) complaints->Add(line);
  };
  Result<std::unique_ptr<CacheAccess>> cache = OpenCache(std::move(options));
  if (cache.ok()) {
    for (const std::string& line : complaints->Lines()) {
      Add({"store", line, "docs/operations.md says what the line means", tools::kExitCorrupt});
    }
    return *std::move(cache);
  }
  const bool damaged = cache.status().code() == StatusCode::kDataLoss;
  Add({"store", cache.status().message(),
       damaged ? "restore a backup; or let the next process that opens it move it to quarantine/ "
                 "(cache.on_corruption) and start empty"
               : "remove the cause that is named",
       tools::ToExitStatus(cache.status().code())});
  return nullptr;
}

void Examination::CheckHealth(const ordered_json& stats) {
  const std::string state = stats["state"];
  if (state == "serving") return Add({"store", "serving"});
  const auto since = stats["state_since_unix_ms"].get<std::int64_t>();
  const std::string detail = stats["state_detail"];
  Add({"store",
       state + " (" + stats["state_reason"].get<std::string>() + ") since " + ShowDate(since) +
           (detail.empty() ? "" : ": " + detail),
       "docs/operations.md, \"States\": it comes back by itself when the cause is gone",
       tools::kExitFailed});
}

// Of things past: told, and nothing is wrong now.
void Examination::CheckCounters(const ordered_json& stats) {
  std::string past;
  for (const char* name : {"fault_episodes", "store_faults", "quarantined", "misses_corrupt"}) {
    const auto count = stats[name].get<std::uint64_t>();
    if (count == 0) continue;
    past += (past.empty() ? "" : ", ") + std::string(name) + " " + ShowCount(count);
  }
  if (!past.empty()) Add({"history", "since the cache was made: " + past});
}

void Examination::CheckClock(const ordered_json& stats) {
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  const std::int64_t ahead = stats["now_unix_ms"].get<std::int64_t>() - wall;
  if (ahead > kClockPatienceMs) {
    return Add({"clock",
                "the cache's clock is " + ShowMs(ahead) +
                    " ahead of the wall clock, which was set back: entries end by the "
                    "cache's clock",
                "check the time service of this machine; the two meet again by themselves",
                tools::kExitNotFound});
  }
  if (ahead < -kClockPatienceMs) {
    return Add(
        {"clock",
         "the wall clock is " + ShowMs(-ahead) + " ahead of the cache's clock: it was set forward",
         "check the time service of this machine; the cache adopts it within 5 minutes",
         tools::kExitNotFound});
  }
  Add({"clock", "as the wall clock"});
}

void Examination::CheckStore(CacheAccess& cache) {
  const Result<std::string> text = cache.Call({.method = "GET", .path = "/v1/stats"});
  if (!text.ok()) {
    return Add({"store", text.status().message(), "see whether that process still answers",
                tools::ToExitStatus(text.status().code())});
  }
  const ordered_json stats = ordered_json::parse(*text);
  CheckHealth(stats);
  CheckCounters(stats);
  CheckClock(stats);
  if (place_.options.directory.empty()) return;
  CheckSpace(place_.options.directory, stats["disk_bytes"].get<std::uint64_t>(), max_disk_bytes_,
             findings_);
}

Findings Examination::Run() {
  if (invocation_.Has("--url")) {
    Result<std::unique_ptr<CacheAccess>> cache = ReachProcess(invocation_);
    if (cache.ok()) {
      CheckStore(**cache);
    } else {
      Add({"admin", cache.status().message(), "set admin.token in the configuration",
           tools::kExitUsage});
    }
    return std::move(findings_);
  }
  if (invocation_.Has("--socket")) {
    place_.socket = invocation_.Value("--socket");
    const std::unique_ptr<CacheAccess> cache = ReachHeld();
    if (cache != nullptr) {
      CheckStore(*cache);
    } else if (findings_.empty()) {
      Add({"socket", "nobody listens on " + place_.socket, "start the process that serves it",
           tools::kExitUnreachable});
    }
    return std::move(findings_);
  }
  if (!ReadConfig()) return std::move(findings_);
  const bool may_open = CheckDirectory(place_.options.directory, findings_);
  std::unique_ptr<CacheAccess> cache = ReachHeld();
  if (cache == nullptr && may_open) cache = OpenUnheld();
  if (cache != nullptr) CheckStore(*cache);
  return std::move(findings_);
}

tools::ExitStatus Gravest(const Findings& findings) {
  tools::ExitStatus gravest = tools::kExitDone;
  for (const Finding& finding : findings) gravest = std::max(gravest, finding.status);
  return gravest;
}

void ShowAsJson(const Findings& findings, Console& console) {
  ordered_json checks = ordered_json::array();
  for (const Finding& finding : findings) {
    checks.push_back({{"check", finding.subject},
                      {"ok", finding.status == tools::kExitDone},
                      {"what", finding.what},
                      {"remedy", finding.remedy}});
  }
  const bool sound = Gravest(findings) == tools::kExitDone;
  console.Line(ordered_json{{"ok", sound}, {"checks", std::move(checks)}}.dump(
      -1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace

Result<tools::ExitStatus> RunDoctor(const Invocation& invocation, Console& console) {
  const Findings findings = Examination(invocation).Run();
  if (console.json()) {
    ShowAsJson(findings, console);
    return Gravest(findings);
  }
  for (const Finding& finding : findings) {
    const bool sound = finding.status == tools::kExitDone;
    console.Line((sound ? "ok     " : "WRONG  ") + finding.subject + ": " + finding.what +
                 (sound ? "" : "; to do: " + finding.remedy));
  }
  if (Gravest(findings) == tools::kExitDone) console.Line("nothing is wrong");
  return Gravest(findings);
}

}  // namespace larder::cachectl
