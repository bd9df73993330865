#include "store_requests.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base64url.h"
#include "json_answer.h"

namespace larder::admin {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kPageItems = 1000;

// False: not {"directory": "/...", "keep": 1 or more}.
bool ReadBackupOptions(const std::string& body, BackupOptions& options) {
  const ordered_json json = ordered_json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("directory") || !json["directory"].is_string()) {
    return false;
  }
  options.directory = json["directory"].get<std::string>();
  if (!options.directory.starts_with('/')) return false;
  if (!json.contains("keep")) return json.size() == 1;
  const ordered_json& keep = json["keep"];
  if (json.size() != 2 || !keep.is_number_unsigned()) return false;
  const auto count = keep.get<std::uint64_t>();
  options.keep = static_cast<std::uint32_t>(count);
  return count > 0 && count <= UINT32_MAX;
}

}  // namespace

std::string BackupToJson(const BackupInfo& backup) {
  const ordered_json json = {{"id", backup.id},
                             {"known_until_unix_ms", backup.known_until.time_since_epoch().count()},
                             {"bytes", backup.bytes}};
  return json.dump();
}

AdminAnswer HandleBackup(Cache& cache, const AdminRequest& request) {
  BackupOptions options;
  if (!ReadBackupOptions(request.body, options)) {
    return InvalidAnswer(R"(the body is not {"directory": "/absolute/path", "keep": 7})");
  }
  const Result<BackupInfo> backup = cache.Backup(options);
  if (!backup.ok()) return ErrorAnswer(backup.status());
  return {.http_status = 200, .content_type = "application/json", .body = BackupToJson(*backup)};
}

void CompactionBoard::Begin() {
  const std::lock_guard lock(mutex_);
  ++running_;
  step_ = {};
}

void CompactionBoard::Note(const CompactStep& step) {
  const std::lock_guard lock(mutex_);
  step_ = step;
}

void CompactionBoard::End() {
  const std::lock_guard lock(mutex_);
  --running_;
}

CompactionBoard::Snapshot CompactionBoard::Look() const {
  const std::lock_guard lock(mutex_);
  return {.running = running_ > 0, .step = step_};
}

AdminAnswer HandleCompact(Cache& cache, CompactionBoard& board, const AdminRequest& request) {
  if (request.method == "GET") {
    const CompactionBoard::Snapshot now = board.Look();
    return JsonAnswer({{"running", now.running},
                       {"done_bytes", now.step.done_bytes},
                       {"total_bytes", now.step.total_bytes}});
  }
  if (request.method != "POST") return NotInApi(request);
  const Stats before = cache.GetStats();
  board.Begin();
  const Status status = cache.Compact([&](const CompactStep& step) { board.Note(step); });
  board.End();
  if (!status.ok()) return ErrorAnswer(status);
  return JsonAnswer({{"compacted", true},
                     {"entries_before", before.entries},
                     {"entries", cache.GetStats().entries}});
}

AdminAnswer HandleDictionaries(Cache& cache, const AdminRequest& request) {
  if (request.method == "POST") {
    const Result<DictionaryTraining> training = cache.TrainDictionary();
    if (!training.ok()) return ErrorAnswer(training.status());
    return JsonAnswer({{"adopted", training->adopted},
                       {"samples", training->samples},
                       {"raw_bytes", training->raw_bytes},
                       {"current_bytes", training->current_bytes},
                       {"trained_bytes", training->trained_bytes}});
  }
  if (request.method != "GET") return NotInApi(request);
  const Result<std::vector<DictionaryInfo>> dictionaries = cache.Dictionaries();
  if (!dictionaries.ok()) return ErrorAnswer(dictionaries.status());
  ordered_json list = ordered_json::array();
  for (const DictionaryInfo& dictionary : *dictionaries) {
    char id[24];  // as its file is named
    std::snprintf(id, sizeof(id), "%08llx", static_cast<unsigned long long>(dictionary.id));
    list.push_back({{"id", id},
                    {"bytes", dictionary.bytes},
                    {"writing", dictionary.writing},
                    {"files", dictionary.files}});
  }
  return JsonAnswer({{"dictionaries", list}});
}

AdminAnswer HandleVerify(Cache& cache, const AdminRequest& request) {
  std::optional<std::string> cursor = FromBase64Url(request.Query("cursor"));
  if (!cursor) return InvalidAnswer("cursor is not base64url");
  ScanOptions options;
  options.limit = kPageItems;
  options.bodies = true;
  options.cursor = *std::move(cursor);
  const Result<ScanPage> page = cache.Scan(options);
  if (!page.ok()) return ErrorAnswer(page.status());
  std::uint64_t raw_bytes = 0;
  for (const ScanItem& item : page->items) raw_bytes += item.raw_bytes;
  ordered_json answer = {{"entries", page->items.size()},
                         {"raw_bytes", raw_bytes},
                         {"corrupt", page->corrupt},
                         {"cursor", nullptr}};
  if (!page->cursor.empty()) answer["cursor"] = ToBase64Url(page->cursor);
  return JsonAnswer(answer);
}

}  // namespace larder::admin
