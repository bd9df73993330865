// export and import: entries as lines of JSON, between caches.
#include <chrono>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "line_source.h"
#include "output_file.h"
#include "progress.h"
#include "transfer_requests.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

// The first line of an export, and what the others begin with. The last line counts the entries:
// a file without it was cut off.
constexpr int kFormat = 1;
constexpr const char* kHeaderField = "larder_export";
constexpr std::string_view kEntryStart = R"({"key":)";
// Lines of so many bytes go in one request.
constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

std::string Count(std::uint64_t entries) {
  return ShowCount(entries) + (entries == 1 ? " entry" : " entries");
}

std::uint64_t EstimatedEntries(CacheAccess& cache) {
  const Result<std::string> stats = cache.Call({.method = "GET", .path = "/v1/stats"});
  if (!stats.ok()) return 0;
  return ordered_json::parse(*stats)["entries"].get<std::uint64_t>();
}

struct Totals {
  std::uint64_t entries = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t corrupt = 0;
};

using Sink = std::function<Status(std::string_view)>;

// A page of an export: entries to the sink, what its last line says to `totals` and `cursor`.
Status TakePage(const std::string& page, const Sink& sink, Totals& totals, ordered_json& cursor) {
  const std::size_t last = page.rfind('\n') + 1;  // 0 if there is one line only
  const ordered_json end = ordered_json::parse(page.substr(last));
  totals.entries += end["entries"].get<std::uint64_t>();
  totals.raw_bytes += end["raw_bytes"].get<std::uint64_t>();
  totals.corrupt += end["corrupt"].get<std::uint64_t>();
  cursor = end["cursor"];
  return sink(std::string_view(page).substr(0, last));
}

Result<Totals> ExportTo(CacheAccess& cache, const Sink& sink) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const ordered_json header = {{kHeaderField, kFormat}, {"exported_unix_ms", now.count()}};
  if (Status status = sink(header.dump() + '\n'); !status.ok()) return status;
  Progress progress("exporting", EstimatedEntries(cache));
  Totals totals;
  ordered_json cursor = "";
  while (!cursor.is_null()) {
    admin::AdminRequest request{.method = "GET", .path = std::string(admin::kExportPath)};
    request.query.emplace("cursor", cursor.get<std::string>());
    const Result<std::string> page = cache.Call(request);
    if (!page.ok()) return page.status();
    if (Status status = TakePage(*page, sink, totals, cursor); !status.ok()) return status;
    progress.Show(totals.entries, Count(totals.entries) + ", " + ShowBytes(totals.raw_bytes));
  }
  const ordered_json end = {{"end", true}, {"entries", totals.entries}};
  if (Status status = sink(end.dump() + '\n'); !status.ok()) return status;
  return totals;
}

tools::ExitStatus TellExported(const Totals& totals, const std::string& file, Console& console) {
  if (totals.corrupt > 0) {
    console.Note("cachectl: " + ShowCount(totals.corrupt) + " damaged entries were left out");
  }
  if (!file.empty() && console.json()) {
    console.Line(ordered_json{{"file", file},
                              {"entries", totals.entries},
                              {"raw_bytes", totals.raw_bytes},
                              {"corrupt", totals.corrupt}}
                     .dump());
  } else if (!file.empty()) {
    console.Line("exported " + Count(totals.entries) + ", " + ShowBytes(totals.raw_bytes) +
                 ", to " + file);
  }
  return totals.corrupt > 0 ? tools::kExitCorrupt : tools::kExitDone;
}

// What has become of the entries of an import, summed over its requests.
class ImportTotals {
 public:
  void Add(const ordered_json& answer) {
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      counts_[i] += answer[kNames[i]].get<std::uint64_t>();
    }
  }
  std::uint64_t stored() const { return counts_[0]; }
  std::uint64_t refused() const { return counts_[4]; }
  ordered_json ToJson() const {
    ordered_json json = ordered_json::object();
    for (std::size_t i = 0; i < std::size(kNames); ++i) json[kNames[i]] = counts_[i];
    return json;
  }
  std::string ToText() const {
    std::string text = "imported " + Count(stored());
    constexpr const char* kTexts[] = {"", "expired", "already here as new",
                                      "invalidated here since", "refused"};
    for (std::size_t i = 1; i < std::size(kNames); ++i) {
      if (counts_[i] > 0) text += "; " + ShowCount(counts_[i]) + " " + kTexts[i];
    }
    return text;
  }

 private:
  static constexpr const char* kNames[] = {"stored", "expired", "superseded", "invalidated",
                                           "refused"};
  std::uint64_t counts_[5] = {};
};

class Importer {
 public:
  explicit Importer(LineSource& source) : source_(source) {}

  // To be called first, once; it needs no cache.
  Status TakeHeader();
  Status Run(CacheAccess& cache);
  const ImportTotals& totals() const { return totals_; }

 private:
  Status CheckHeader(const std::string& line) const;
  Status TakeLine(CacheAccess& cache, const std::string& line);
  Status TakeEnd(const std::string& line);
  Status Send(CacheAccess& cache);
  Status Damaged(const std::string& why) const {
    return {StatusCode::kDataLoss, "line " + std::to_string(source_.number()) + ": " + why};
  }

  LineSource& source_;
  bool open_ = false;          // between a header and its end
  std::uint64_t entries_ = 0;  // since the header
  std::string batch_;
  std::uint64_t batch_line_ = 0;  // the number of its first line
  ImportTotals totals_;
};

Status Importer::CheckHeader(const std::string& line) const {
  const ordered_json header = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object() || !header.contains(kHeaderField)) {
    return {StatusCode::kInvalidArgument, "not an export: its first line is not of one"};
  }
  if (header[kHeaderField] == ordered_json(kFormat)) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          "an export of another version: this one reads version " + std::to_string(kFormat)};
}

Status Importer::TakeHeader() {
  const Result<std::optional<std::string>> line = source_.Next(admin::kMaxImportBytes);
  if (!line.ok()) {
    const bool is_long = line.status().code() == StatusCode::kDataLoss;
    return is_long ? CheckHeader("") : line.status();
  }
  open_ = true;
  return CheckHeader(line->value_or(""));
}

Status Importer::Run(CacheAccess& cache) {
  Progress progress("importing", source_.size());
  while (true) {
    const Result<std::optional<std::string>> line = source_.Next(admin::kMaxImportBytes);
    if (!line.ok()) return line.status();
    if (!line->has_value()) break;
    if (Status status = TakeLine(cache, **line); !status.ok()) return status;
    progress.Show(source_.bytes_read(), Count(totals_.stored()));
  }
  if (Status status = Send(cache); !status.ok()) return status;
  return open_ ? Damaged("the export ends before its end: it was cut off") : Status::Ok();
}

// Exports may stand one after the other.
Status Importer::TakeLine(CacheAccess& cache, const std::string& line) {
  if (!open_) {
    if (!CheckHeader(line).ok()) return Damaged("there is something after the end of the export");
    open_ = true;
    entries_ = 0;
    return Status::Ok();
  }
  if (!line.starts_with(kEntryStart)) {
    if (Status status = Send(cache); !status.ok()) return status;
    return TakeEnd(line);
  }
  if (batch_.size() + line.size() > kBatchBytes) {
    if (Status status = Send(cache); !status.ok()) return status;
  }
  if (batch_.empty()) batch_line_ = source_.number();
  batch_ += line + '\n';
  ++entries_;
  return Status::Ok();
}

Status Importer::TakeEnd(const std::string& line) {
  const ordered_json end = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!end.is_object() || !end.contains("end") || !end.contains("entries")) {
    return Damaged("neither an entry nor the end of the export");
  }
  if (end["entries"] != ordered_json(entries_)) {
    return Damaged("entries are missing: " + std::to_string(entries_) + " came before its end");
  }
  open_ = false;
  return Status::Ok();
}

Status Importer::Send(CacheAccess& cache) {
  if (batch_.empty()) return Status::Ok();
  admin::AdminRequest request{.method = "POST", .path = std::string(admin::kImportPath)};
  request.query.emplace("line", std::to_string(batch_line_));
  request.body = std::exchange(batch_, {});
  const Result<std::string> answer = cache.Call(request);
  if (!answer.ok()) return answer.status();
  totals_.Add(ordered_json::parse(*answer));
  return Status::Ok();
}

}  // namespace

Result<tools::ExitStatus> RunExport(const Invocation& invocation, Console& console) {
  const std::string name = invocation.arguments.empty() ? "-" : invocation.arguments[0];
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  if (name == "-") {
    const Result<Totals> totals = ExportTo(**cache, [&](std::string_view bytes) {
      console.Write(bytes);
      if (!console.failed()) return Status::Ok();
      return Status(StatusCode::kCancelled, "stdout takes no more");
    });
    // Why stdout takes no more is told, or not, at the end of the program.
    if (console.failed()) return tools::kExitDone;
    if (!totals.ok()) return totals.status();
    return TellExported(*totals, "", console);
  }
  Result<OutputFile> file = OutputFile::Open(name);
  if (!file.ok()) return file.status();
  const Result<Totals> totals =
      ExportTo(**cache, [&](std::string_view bytes) { return file->Write(bytes); });
  if (!totals.ok()) return totals.status();
  if (Status status = file->Commit(); !status.ok()) return status;
  return TellExported(*totals, name, console);
}

Result<tools::ExitStatus> RunImport(const Invocation& invocation, Console& console) {
  const std::string name = invocation.arguments.empty() ? "-" : invocation.arguments[0];
  Result<LineSource> source = LineSource::Open(name);
  if (!source.ok()) return source.status();
  Importer importer(*source);
  const std::string shown = name == "-" ? "stdin" : name;
  if (Status status = importer.TakeHeader(); !status.ok()) return status.WithContext(shown);
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  if (Status status = importer.Run(**cache); !status.ok()) {
    const std::uint64_t stored = importer.totals().stored();
    console.Note("cachectl: " + Count(stored) + (stored == 1 ? " was" : " were") +
                 " stored before that");
    return status.WithContext(shown);
  }
  console.Line(console.json() ? importer.totals().ToJson().dump() : importer.totals().ToText());
  if (importer.totals().refused() == 0) return tools::kExitDone;
  console.Note("cachectl: refused entries are over a limit of this cache");
  return tools::kExitFailed;
}

}  // namespace larder::cachectl
