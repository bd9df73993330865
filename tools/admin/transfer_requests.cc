#include "transfer_requests.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base64url.h"
#include "export_line.h"
#include "json_answer.h"

namespace larder::admin {
namespace {

using nlohmann::ordered_json;

// Entries a page; the engine limits what their bodies take.
constexpr std::size_t kPageItems = 256;

Result<std::vector<ExportedEntry>> ReadLines(std::string_view text, std::uint64_t number) {
  std::vector<ExportedEntry> entries;
  for (; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    Result<ExportedEntry> entry = FromExportLine(text.substr(0, end));
    if (!entry.ok()) return entry.status().WithContext("line " + std::to_string(number));
    entries.push_back(*std::move(entry));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return entries;
}

}  // namespace

AdminAnswer HandleExport(Cache& cache, const AdminRequest& request) {
  std::optional<std::string> cursor = FromBase64Url(request.Query("cursor"));
  if (!cursor) return InvalidAnswer("cursor is not base64url");
  ScanOptions options;
  options.limit = kPageItems;
  options.bodies = true;
  options.cursor = *std::move(cursor);
  const Result<ScanPage> page = cache.Scan(options);
  if (!page.ok()) return ErrorAnswer(page.status());
  AdminAnswer answer{.http_status = 200, .content_type = "application/x-ndjson"};
  std::uint64_t raw_bytes = 0;
  for (const ScanItem& item : page->items) {
    answer.body += ToExportLine(item) + '\n';
    raw_bytes += item.raw_bytes;
  }
  ordered_json end = {{"cursor", nullptr},
                      {"entries", page->items.size()},
                      {"raw_bytes", raw_bytes},
                      {"corrupt", page->corrupt}};
  if (!page->cursor.empty()) end["cursor"] = ToBase64Url(page->cursor);
  answer.body += end.dump();
  return answer;
}

AdminAnswer HandleImport(Cache& cache, const AdminRequest& request) {
  std::uint64_t line = 1;
  const std::string first = request.Query("line");
  const char* end = first.data() + first.size();
  if (!first.empty() && std::from_chars(first.data(), end, line).ptr != end) {
    return InvalidAnswer("line \"" + first + "\" is not a number");
  }
  Result<std::vector<ExportedEntry>> entries = ReadLines(request.body, line);
  if (!entries.ok()) return ErrorAnswer(entries.status());
  std::size_t next = 0;
  const Result<ImportReport> report = cache.Import([&]() -> Result<std::optional<ExportedEntry>> {
    if (next == entries->size()) return std::optional<ExportedEntry>();
    return std::optional(std::move((*entries)[next++]));
  });
  if (!report.ok()) return ErrorAnswer(report.status());
  return JsonAnswer({{"stored", report->stored},
                     {"expired", report->expired},
                     {"superseded", report->superseded},
                     {"invalidated", report->invalidated},
                     {"refused", report->refused}});
}

}  // namespace larder::admin
