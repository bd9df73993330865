#include "config_schema.h"

#include <nlohmann/json.hpp>

#include "larder/client/config_keys.h"
#include "larder/client/units.h"

namespace larder::tools {
namespace {

using client::ConfigKey;
using client::ConfigPath;
using client::ConfigType;
using nlohmann::ordered_json;

constexpr const char* kDurationPattern = "^[0-9]+(ms|s|m|h|d)?$";
constexpr const char* kTtlPattern = "^([0-9]+(ms|s|m|h|d)?|never)$";
constexpr const char* kSizePattern = "^[0-9]+(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$";
constexpr const char* kSecretPattern = R"(^\$\{(env:.+|file:/.*|vault:[A-Za-z0-9_.-]{1,64})\}$)";

ordered_json Choices(std::string_view choices) {
  ordered_json list = ordered_json::array();
  while (!choices.empty()) {
    const std::size_t end = choices.find(' ');
    list.push_back(choices.substr(0, end));
    choices = end == choices.npos ? std::string_view() : choices.substr(end + 1);
  }
  return list;
}

void AddLimits(const ConfigKey& key, ordered_json& schema) {
  if (!key.least.empty()) schema["minimum"] = ordered_json::parse(key.least);
  if (!key.most.empty()) schema["maximum"] = ordered_json::parse(key.most);
}

// A text with a unit, or a plain number.
ordered_json Measure(const char* pattern) {
  return {{"type", {"string", "integer"}}, {"pattern", pattern}, {"minimum", 0}};
}

ordered_json Text() { return {{"type", "string"}, {"minLength", 1}}; }

ordered_json OneOrMore(const ordered_json& one) {
  return {{"anyOf", {one, {{"type", "array"}, {"items", one}, {"minItems", 1}}}}};
}

ordered_json TypeSchema(const ConfigKey& key) {
  switch (key.type) {
    case ConfigType::kText: return Text();
    case ConfigType::kChoice: return {{"enum", Choices(key.choices)}};
    case ConfigType::kFlag: return {{"type", "boolean"}};
    case ConfigType::kInteger: return {{"type", "integer"}};
    case ConfigType::kNumber: return {{"type", "number"}};
    case ConfigType::kDuration: return Measure(kDurationPattern);
    case ConfigType::kTtl: return Measure(kTtlPattern);
    case ConfigType::kSize: return Measure(kSizePattern);
    case ConfigType::kUrl: return {{"type", "string"}, {"pattern", "^https?://[^ ?#@]+$"}};
    case ConfigType::kAddress: return {{"type", "string"}, {"pattern", "^.+:[0-9]+$"}};
    case ConfigType::kHeaderNames:
    case ConfigType::kTags: return {{"type", "array"}, {"items", Text()}};
    case ConfigType::kPatterns: return OneOrMore(Text());
    case ConfigType::kScalars:
      return OneOrMore({{"type", {"string", "number", "boolean"}}, {"minLength", 1}});
    case ConfigType::kProxy:
      return {{"type", "string"}, {"pattern", "^(none|https?://[^ /?#@]+)$"}};
    case ConfigType::kSecret: return {{"type", "string"}, {"pattern", kSecretPattern}};
  }
  return ordered_json::object();
}

void MakeNullable(ordered_json& schema) {
  if (schema.contains("enum")) {
    schema["enum"].push_back(nullptr);
    return;
  }
  if (schema.contains("anyOf")) {
    schema["anyOf"].push_back({{"type", "null"}});
    return;
  }
  if (!schema["type"].is_array()) schema["type"] = ordered_json::array({schema["type"]});
  if (schema["type"] != ordered_json::array({"null"})) schema["type"].push_back("null");
}

ordered_json KeySchema(const ConfigKey& key, bool patch) {
  ordered_json schema = TypeSchema(key);
  if (key.type == ConfigType::kInteger || key.type == ConfigType::kNumber) AddLimits(key, schema);
  if (key.nullable || patch) MakeNullable(schema);
  // What an environment's keys mean is said where the file has them.
  if (patch) return schema;
  schema["description"] = std::string(key.meaning) + " Allowed: " + client::DescribeAllowed(key);
  const bool has_default = !key.fallback.empty() && key.fallback != "-";
  if (has_default) schema["default"] = ordered_json::parse(key.fallback);
  schema["x-larder-change"] = key.live ? "live" : "restart";
  return schema;
}

ordered_json SectionSchema(const ConfigPath& path, bool patch);

// The list at `path`. It is a value as a whole: within it null takes nothing away.
ordered_json ListSchema(const ConfigPath& path, bool patch) {
  ordered_json schema = {{"type", "array"}};
  if (patch) MakeNullable(schema);
  ConfigPath element = path;
  element.emplace_back("0");
  schema["items"] = SectionSchema(element, /*patch=*/false);
  return schema;
}

// The object at `path`. A patch may leave out anything and set anything to null.
ordered_json SectionSchema(const ConfigPath& path, bool patch) {
  const std::vector<std::string_view> names = client::ConfigNamesUnder(path);
  if (names.front() == "[]") return ListSchema(path, patch);
  ordered_json schema = {{"type", "object"}};
  if (patch && !path.empty()) MakeNullable(schema);
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  for (const std::string_view name : names) {
    ConfigPath child = path;
    child.emplace_back(name);
    const ConfigKey* key = client::FindConfigKey(child);
    ordered_json sub = key != nullptr ? KeySchema(*key, patch) : SectionSchema(child, patch);
    if (name == "*") {
      schema["additionalProperties"] = std::move(sub);
      continue;
    }
    if (key != nullptr && key->fallback.empty()) required.push_back(name);
    properties[std::string(name)] = std::move(sub);
  }
  if (schema.contains("additionalProperties")) return schema;
  schema["properties"] = std::move(properties);
  schema["additionalProperties"] = false;
  // An environment or a variable may add what the file leaves out; an editor still helps most by
  // asking for it in the file.
  if (!patch && !required.empty()) schema["required"] = std::move(required);
  return schema;
}

std::string Range(const ConfigKey& key) {
  std::string text = client::DescribeAllowed(key);
  for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

std::string ConfigSchema() {
  ordered_json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                         {"title", "Larder's config.json"}};
  schema.update(SectionSchema({}, /*patch=*/false));
  schema["properties"]["environments"] = {
      {"type", "object"},
      {"description", "Merge patches (RFC 7396) by name; LARDER_ENV chooses one."},
      {"additionalProperties", {{"$ref", "#/definitions/environment"}}}};
  schema["definitions"]["environment"] = SectionSchema({}, /*patch=*/true);
  return schema.dump(2) + "\n";
}

std::string ConfigTable() {
  std::string table = "| Key | Default | Allowed | Change | Meaning |\n|---|---|---|---|---|\n";
  for (const ConfigKey& key : client::ConfigKeys()) {
    std::string fallback =
        key.fallback.empty() ? "must be given" : "`" + std::string(key.fallback) + "`";
    if (key.fallback == "-") fallback = "not said";
    table += "| `" + std::string(key.pointer) + "` | " + fallback + " | " + Range(key) + " | " +
             (key.live ? "live" : "restart") + " | " + std::string(key.meaning) + " |\n";
  }
  return table;
}

}  // namespace larder::tools
