#include "export_line.h"

#include <xxhash.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base64url.h"
#include "key_text.h"

namespace larder::admin {
namespace {

using nlohmann::ordered_json;

// The last field of a line, over the bytes before it: a flipped bit within a text is JSON still.
constexpr std::string_view kCheckField = R"(,"check":")";
constexpr std::size_t kCheckDigits = 16;
constexpr std::size_t kTailBytes = kCheckField.size() + kCheckDigits + 2;  // "}

std::string CheckOf(std::string_view bytes) {
  char digits[kCheckDigits + 1];
  std::snprintf(digits, sizeof(digits), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())));
  return digits;
}

// As text where that is possible and no longer than base64, else under `name`_base64.
void AddBytes(ordered_json& line, const std::string& name, std::string_view bytes) {
  try {
    ordered_json text = std::string(bytes);
    if (text.dump().size() <= bytes.size() / 3 * 4 + 64) {
      line[name] = std::move(text);
      return;
    }
  } catch (const ordered_json::exception&) {  // not UTF-8
  }
  line[name + "_base64"] = ToBase64Url(bytes);
}

ordered_json TimeJson(TimePoint time) {
  if (time == kNever) return nullptr;
  return time.time_since_epoch().count();
}

// What a line holds, as far as it is as it should be: the first thing that is not ends it.
class LineReader {
 public:
  explicit LineReader(const ordered_json& line) : line_(line) {}

  std::string Bytes(const std::string& name) {
    if (line_.contains(name + "_base64")) {
      std::optional<std::string> bytes = FromBase64Url(Text(name + "_base64"));
      if (!bytes) return Wrong(name + "_base64"), "";
      return *std::move(bytes);
    }
    return Text(name);
  }
  std::string Text(const std::string& name) {
    if (!line_.contains(name) || !line_[name].is_string()) return Wrong(name), "";
    return line_[name].get<std::string>();
  }
  std::int64_t Number(const std::string& name) {
    if (!line_.contains(name) || !line_[name].is_number_integer()) return Wrong(name), 0;
    const ordered_json& number = line_[name];
    if (number.is_number_unsigned() && number.get<std::uint64_t>() > INT64_MAX) Wrong(name);
    return number.get<std::int64_t>();
  }
  TimePoint Time(const std::string& name) {
    if (line_.contains(name) && line_[name].is_null()) return kNever;
    return TimePoint(Duration(Number(name)));
  }
  bool Flag(const std::string& name) {
    if (!line_.contains(name) || !line_[name].is_boolean()) return Wrong(name), false;
    return line_[name].get<bool>();
  }
  std::vector<std::string> Tags() {
    std::vector<std::string> tags;
    const bool encoded = line_.contains("tags_base64");
    const std::string name = encoded ? "tags_base64" : "tags";
    if (!line_.contains(name) || !line_[name].is_array()) return Wrong(name), tags;
    for (const ordered_json& tag : line_[name]) {
      if (!tag.is_string()) return Wrong(name), tags;
      std::optional<std::string> bytes = tag.get<std::string>();
      if (encoded) bytes = FromBase64Url(*bytes);
      if (!bytes) return Wrong(name), tags;
      tags.push_back(*std::move(bytes));
    }
    return tags;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  void Wrong(const std::string& name) {
    if (wrong_.empty()) wrong_ = name;
  }

  const ordered_json& line_;
  std::string wrong_;  // the name of a field
};

void AddTags(ordered_json& line, const Entry& entry) {
  try {
    ordered_json tags = entry.tags();
    static_cast<void>(tags.dump());
    line["tags"] = std::move(tags);
  } catch (const ordered_json::exception&) {  // not UTF-8
    ordered_json tags = ordered_json::array();
    for (const std::string_view tag : entry.tags()) tags.push_back(ToBase64Url(tag));
    line["tags_base64"] = std::move(tags);
  }
}

Status Damaged(const std::string& why) { return {StatusCode::kDataLoss, why}; }

}  // namespace

std::string ToExportLine(const ScanItem& item) {
  const Entry& entry = item.entry;
  ordered_json line = {{"key", ShowKey(item.key)},
                       {"created_unix_ms", TimeJson(entry.created())},
                       {"fresh_until_unix_ms", TimeJson(entry.fresh_until())},
                       {"expires_unix_ms", TimeJson(entry.expires())},
                       {"stale_while_revalidate_ms", entry.stale_while_revalidate().count()},
                       {"stale_if_error_ms", entry.stale_if_error().count()},
                       {"compute_ms", entry.compute_time().count()},
                       {"cost", entry.cost_microusd()},
                       {"negative", entry.negative()}};
  AddTags(line, entry);
  AddBytes(line, "metadata", entry.metadata());
  AddBytes(line, "body", entry.body());
  std::string text = line.dump();
  text.pop_back();
  text += std::string(kCheckField) + CheckOf(text) + "\"}";
  return text;
}

Result<ExportedEntry> FromExportLine(std::string_view line) {
  if (line.size() < kTailBytes || line.substr(line.size() - kTailBytes).find(kCheckField) != 0) {
    return Damaged("not an entry of an export: it has no checksum at its end");
  }
  const std::string_view checked = line.substr(0, line.size() - kTailBytes);
  const std::string_view check = line.substr(checked.size() + kCheckField.size(), kCheckDigits);
  if (check != CheckOf(checked)) return Damaged("its checksum does not match");
  const ordered_json json = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Damaged("not an entry of an export: not a JSON object");
  LineReader reader(json);
  ExportedEntry entry;
  Result<std::string> key = ParseKey(reader.Text("key"));
  entry.created = reader.Time("created_unix_ms");
  entry.fresh_until = reader.Time("fresh_until_unix_ms");
  entry.expires = reader.Time("expires_unix_ms");
  entry.stale_while_revalidate = Duration(reader.Number("stale_while_revalidate_ms"));
  entry.stale_if_error = Duration(reader.Number("stale_if_error_ms"));
  entry.compute_time = Duration(reader.Number("compute_ms"));
  entry.cost_microusd = static_cast<std::uint64_t>(reader.Number("cost"));
  entry.negative = reader.Flag("negative");
  entry.tags = reader.Tags();
  entry.metadata = reader.Bytes("metadata");
  entry.body = reader.Bytes("body");
  if (!reader.wrong().empty())
    return Damaged("field " + reader.wrong() + " is not as it should be");
  if (!key.ok()) return Damaged("field key is not a key");
  entry.key = *std::move(key);
  return entry;
}

}  // namespace larder::admin
