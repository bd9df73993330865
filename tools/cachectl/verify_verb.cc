// verify and compact: all of the store, from one end to the other.
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "larder/backup.h"
#include "progress.h"
#include "store_requests.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

struct Sums {
  std::uint64_t entries = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t corrupt = 0;
};

Status ReadAll(CacheAccess& cache, Sums& sums) {
  Progress progress("verifying", 0);
  ordered_json cursor = "";
  while (!cursor.is_null()) {
    admin::AdminRequest request{.method = "GET", .path = std::string(admin::kVerifyPath)};
    request.query.emplace("cursor", cursor.get<std::string>());
    const Result<std::string> text = cache.Call(request);
    if (!text.ok()) return text.status();
    const ordered_json page = ordered_json::parse(*text);
    sums.entries += page["entries"].get<std::uint64_t>();
    sums.raw_bytes += page["raw_bytes"].get<std::uint64_t>();
    sums.corrupt += page["corrupt"].get<std::uint64_t>();
    cursor = page["cursor"];
    progress.Show(sums.entries, ShowCount(sums.entries) + " entries, " + ShowBytes(sums.raw_bytes));
  }
  return Status::Ok();
}

Result<tools::ExitStatus> VerifyCache(const Invocation& invocation, Console& console) {
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  Sums sums;
  const Status status = ReadAll(**cache, sums);
  const bool damaged = status.code() == StatusCode::kDataLoss;
  if (!status.ok() && !damaged) return status;
  const bool sound = !damaged && sums.corrupt == 0;
  if (console.json()) {
    ordered_json json = {{"entries", sums.entries},
                         {"raw_bytes", sums.raw_bytes},
                         {"corrupt", sums.corrupt},
                         {"ok", sound}};
    if (damaged) json["damage"] = status.message();
    console.Line(json.dump());
  } else {
    console.Line(ShowCount(sums.entries) + " entries, " + ShowBytes(sums.raw_bytes) +
                 ", are sound" +
                 (sums.corrupt > 0 ? "; " + ShowCount(sums.corrupt) + " are corrupt" : ""));
  }
  if (damaged) {
    console.Note("cachectl: damage that hides all behind it: " + status.message());
  } else if (sums.corrupt > 0) {
    console.Note("cachectl: a corrupt entry is a miss, and is dropped when it is read");
  }
  return sound ? tools::kExitDone : tools::kExitCorrupt;
}

Result<tools::ExitStatus> VerifyOneBackup(const Invocation& invocation, Console& console) {
  const std::string directory = invocation.Value("--backup");
  const Result<std::uint32_t> id = ReadNumber(invocation, "--id", 0);
  if (!id.ok()) return id.status();
  const Status status = VerifyBackup(directory, *id);
  if (!status.ok() && status.code() != StatusCode::kDataLoss) return status;
  const std::string name = *id == 0 ? "the newest backup" : "backup " + std::to_string(*id);
  if (console.json()) {
    ordered_json json = {{"directory", directory}, {"id", *id}, {"ok", status.ok()}};
    if (!status.ok()) json["damage"] = status.message();
    console.Line(json.dump());
  } else if (status.ok()) {
    console.Line(name + " in " + directory + " is sound");
  }
  if (!status.ok()) console.Note("cachectl: " + name + " is damaged: " + status.message());
  return status.ok() ? tools::kExitDone : tools::kExitCorrupt;
}

// How far the compaction has come; an older process does not tell.
void ShowCompaction(CacheAccess& cache, std::optional<Progress>& progress) {
  const Result<std::string> text =
      cache.Call({.method = "GET", .path = std::string(admin::kCompactPath)});
  if (!text.ok()) return;
  const ordered_json now = ordered_json::parse(*text);
  const auto total = now["total_bytes"].get<std::uint64_t>();
  const auto done = now["done_bytes"].get<std::uint64_t>();
  if (total == 0) return;
  if (!progress) progress.emplace("compacting", total);
  progress->Show(done, ShowBytes(done) + " of " + ShowBytes(total));
}

Result<std::string> Compact(CacheAccess& cache) {
  const admin::AdminRequest request{
      .method = "POST", .path = std::string(admin::kCompactPath), .is_slow = true};
  if (!Progress::IsSeen()) return cache.Call(request);
  constexpr std::chrono::milliseconds kBetweenLooks{100};
  std::future<Result<std::string>> answer =
      std::async(std::launch::async, [&] { return cache.Call(request); });
  std::optional<Progress> progress;
  bool done = false;
  while (!done) {
    done = answer.wait_for(kBetweenLooks) == std::future_status::ready;
    ShowCompaction(cache, progress);
  }
  return answer.get();
}

}  // namespace

Result<tools::ExitStatus> RunVerify(const Invocation& invocation, Console& console) {
  if (invocation.Has("--backup")) return VerifyOneBackup(invocation, console);
  if (!invocation.Has("--id")) return VerifyCache(invocation, console);
  return Status(StatusCode::kInvalidArgument, "--id is of a backup: --backup DIR --id N");
}

Result<tools::ExitStatus> RunCompact(const Invocation& invocation, Console& console) {
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  const Result<std::string> answer = Compact(**cache);
  if (!answer.ok()) return answer.status();
  console.Line(console.json() ? *answer
                              : "compacted: what has expired, or is invalid or removed, is gone");
  return tools::kExitDone;
}

}  // namespace larder::cachectl
