// backup and restore.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "larder/backup.h"
#include "store_requests.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

std::string Describe(const ordered_json& backup) {
  return "backup " + std::to_string(backup["id"].get<std::uint32_t>()) + ", " +
         ShowDate(backup["known_until_unix_ms"]) + ", " + ShowBytes(backup["bytes"]);
}

Result<tools::ExitStatus> List(const std::string& directory, Console& console) {
  const Result<std::vector<BackupInfo>> backups = ListBackups(directory);
  if (!backups.ok()) return backups.status();
  for (const BackupInfo& backup : *backups) {
    const std::string json = admin::BackupToJson(backup);
    console.Line(console.json() ? json : Describe(ordered_json::parse(json)));
  }
  return tools::kExitDone;
}

// What a restore would undo, and since when; empty if nothing.
std::string WhatIsUnknown(const RestoreOutlook& outlook) {
  if (outlook.ledger_kept && outlook.removals_known) return "";
  return std::string(outlook.ledger_kept ? "removals" : "invalidations and removals") + " after " +
         ShowDate(outlook.backup.known_until.time_since_epoch().count()) +
         " are not known to backup " + std::to_string(outlook.backup.id) +
         ", and what they covered would be served again" +
         (outlook.ledger_kept ? "" : " (the cache there, if any, is not of the backup's descent)");
}

// Ok if the restore may go ahead.
Status Confirm(const std::string& unknown, const Invocation& invocation, Console& console) {
  if (unknown.empty() || invocation.Has("--yes")) return Status::Ok();
  if (!console.CanAsk()) {
    return {StatusCode::kInvalidArgument,
            unknown + "; to accept that give --yes, and invalidate what has changed since"};
  }
  if (console.Confirm("The " + unknown + ". Restore?")) return Status::Ok();
  return {StatusCode::kCancelled, "nothing was restored"};
}

}  // namespace

Result<tools::ExitStatus> RunBackup(const Invocation& invocation, Console& console) {
  const std::string& directory = invocation.arguments[0];
  if (invocation.Has("--list")) return List(directory, console);
  const Result<std::uint32_t> keep = ReadNumber(invocation, "--keep", BackupOptions{}.keep);
  if (!keep.ok()) return keep.status();
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  // It may be another process, with another working directory, that writes there.
  const ordered_json body = {{"directory", std::filesystem::absolute(directory).string()},
                             {"keep", *keep}};
  const Result<std::string> answer = (*cache)->Call({.method = "POST",
                                                     .path = std::string(admin::kBackupPath),
                                                     .body = body.dump(),
                                                     .is_slow = true});
  if (!answer.ok()) return answer.status();
  console.Line(console.json() ? *answer : "made " + Describe(ordered_json::parse(*answer)));
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunRestore(const Invocation& invocation, Console& console) {
  if (NamesProcess(invocation)) {
    return Status(StatusCode::kInvalidArgument,
                  "a cache is restored while no process holds it: name its directory by --dir");
  }
  const Result<std::uint32_t> id = ReadNumber(invocation, "--id", 0);
  if (!id.ok()) return id.status();
  const Result<CachePlace> place = FindCache(invocation);
  if (!place.ok()) return place.status();
  RestoreOptions options{.backup_directory = invocation.arguments[0],
                         .cache_directory = place->options.directory,
                         .id = *id};
  const Result<RestoreOutlook> outlook = ForeseeRestore(options);
  if (!outlook.ok()) return outlook.status();
  const std::string unknown = WhatIsUnknown(*outlook);
  if (Status status = Confirm(unknown, invocation, console); !status.ok()) return status;
  options.accept_unknown_invalidations = !unknown.empty();
  options.id = outlook->backup.id;
  const Result<RestoreReport> report = Restore(options);
  if (!report.ok()) return report.status();
  ordered_json json = ordered_json::parse(admin::BackupToJson(report->backup));
  json["ledger_kept"] = report->ledger_kept;
  json["removals_known"] = outlook->removals_known;
  console.Line(console.json() ? json.dump()
                              : "restored " + Describe(json) + ", into " + options.cache_directory);
  if (!unknown.empty())
    console.Note("cachectl: " + unknown + "; invalidate what has changed since");
  return tools::kExitDone;
}

}  // namespace larder::cachectl
