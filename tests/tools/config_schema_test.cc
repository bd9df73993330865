// The published schema and the parser agree: what one refuses, the other does not take.
#include "config_schema.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <string>

#include "larder/client/config_document.h"
#include "larder/client/config_keys.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::tools {
namespace {

using client::ConfigKey;
using client::ConfigType;
using larder::testing::TempDir;
using nlohmann::json;

// As much of JSON Schema, draft 7, as the schema uses; a keyword that it does not know fails.
class Validator {
 public:
  explicit Validator(json schema) : root_(std::move(schema)) {}
  bool Accepts(const json& value) const { return Accepts(root_, value); }

 private:
  static bool HasType(const std::string& type, const json& value) {
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "null") return value.is_null();
    if (type == "number") return value.is_number();
    if (type == "integer") {
      return value.is_number_integer() ||
             (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
    }
    throw std::logic_error("type " + type);
  }

  bool AcceptsObject(const json& schema, const json& value) const {
    for (const auto& [name, member] : value.items()) {
      if (schema.contains("properties") && schema["properties"].contains(name)) {
        if (!Accepts(schema["properties"][name], member)) return false;
        continue;
      }
      const auto more = schema.find("additionalProperties");
      if (more == schema.end()) continue;
      if (more->is_boolean() ? !more->get<bool>() : !Accepts(*more, member)) return false;
    }
    for (const json& name : schema.value("required", json::array())) {
      if (!value.contains(name.get<std::string>())) return false;
    }
    return true;
  }

  bool Holds(const std::string& keyword, const json& rule, const json& schema,
             const json& value) const {
    if (keyword == "type") {
      const json types = rule.is_array() ? rule : json::array({rule});
      return std::any_of(types.begin(), types.end(),
                         [&](const json& type) { return HasType(type, value); });
    }
    if (keyword == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
    if (keyword == "pattern") {
      if (!value.is_string()) return true;
      const auto text = rule.get<std::string>();
      const auto [pattern, added] = patterns_.try_emplace(text);
      if (added) pattern->second = std::regex(text);
      return std::regex_search(value.get<std::string>(), pattern->second);
    }
    if (keyword == "minLength")
      return !value.is_string() || value.get<std::string>().size() >= rule;
    if (keyword == "minimum")
      return !value.is_number() || value.get<double>() >= rule.get<double>();
    if (keyword == "maximum")
      return !value.is_number() || value.get<double>() <= rule.get<double>();
    if (keyword == "minItems") return !value.is_array() || value.size() >= rule;
    if (keyword == "items") {
      return !value.is_array() || std::all_of(value.begin(), value.end(),
                                              [&](const json& one) { return Accepts(rule, one); });
    }
    if (keyword == "anyOf") {
      return std::any_of(rule.begin(), rule.end(),
                         [&](const json& one) { return Accepts(one, value); });
    }
    if (keyword == "properties") return !value.is_object() || AcceptsObject(schema, value);
    if (keyword == "additionalProperties") {
      return schema.contains("properties") || !value.is_object() || AcceptsObject(schema, value);
    }
    if (keyword == "$ref")
      return Accepts(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value);
    for (const char* silent : {"$schema", "title", "description", "default", "definitions",
                               "required", "x-larder-change"}) {
      if (keyword == silent) return true;
    }
    throw std::logic_error("keyword " + keyword);
  }

  bool Accepts(const json& schema, const json& value) const {
    return std::all_of(schema.items().begin(), schema.items().end(), [&](const auto& item) {
      return Holds(item.key(), item.value(), schema, value);
    });
  }

  const json root_;
  mutable std::map<std::string, std::regex> patterns_;
};

// A document that is whole, with `value` at `key`.
json DocumentWith(const ConfigKey& key, const json& value, bool in_environment) {
  json document = {{"providers", {{"p", {{"base_url", "http://h"}}}}},
                   {"prices", {{"p", {{"input_per_million", 1}, {"output_per_million", 1}}}}},
                   {"gateway", {{"clients", {{"p", {{"key_sha256", "x"}}}}}}}};
  json* node = in_environment ? &document["environments"]["e"] : &document;
  const client::ConfigPath parts = client::FromPointer(key.pointer);
  for (const std::string& part : parts) {
    if (part == "[]") {
      if (!node->is_array()) *node = json::array({json::object()});
      node = &(*node)[0];
    } else {
      node = &(*node)[part == "*" ? "p" : part];
    }
  }
  *node = value;
  json& given = in_environment ? document["environments"]["e"] : document;
  if (key.pointer == "/providers/*/fallback/[]/models/*") {
    given["providers"]["p"]["fallback"][0]["provider"] = "q";
  }
  if (key.pointer.starts_with("/prices/*/tiers/[]/")) {
    json& tier = given["prices"]["p"]["tiers"][0];
    for (const char* name : {"over_input_tokens", "input_per_million", "output_per_million"}) {
      tier.emplace(name, 1);
    }
  }
  return document;
}

std::vector<json> SampleValues() {
  return {nullptr,
          true,
          false,
          0,
          1,
          5,
          -1,
          300,
          1.5,
          0.25,
          1e9,
          1e300,
          "",
          "x",
          "none",
          "auto",
          "0",
          "5",
          "500ms",
          "30s",
          "24h",
          "7d",
          "never",
          "1w",
          "64MiB",
          "10GB",
          "1GiB",
          "10 gigs",
          "64mib",
          "-1s",
          "1.5h",
          "info",
          "json",
          "process",
          "quarantine",
          "openai",
          "anthropic",
          "credential",
          "namespace",
          "replay",
          "finish",
          "http://h",
          "https://h/path",
          "ftp://h",
          "http://me:x@h",
          "http://h:99999",
          "http://",
          "127.0.0.1:8080",
          "[::1]:0",
          "host",
          "host:",
          ":1",
          "${env:X}",
          "${file:/x}",
          "${file:x}",
          "${vault:x}",
          "${env:}",
          "a:{model}",
          "a:{modle}",
          "line\nbreak",
          json::array(),
          json::array({"x"}),
          json::array({"x-a", "b"}),
          json::array({""}),
          json::array({1}),
          json::array({nullptr}),
          json::object(),
          json({{"x", 1}}),
          json::array({json::object()})};
}

// What a schema cannot say: how large a text with a unit is, what a port may be, and the like.
bool IsBeyondASchema(const ConfigKey& key, const json& value) {
  const bool text = value.is_string();
  switch (key.type) {
    case ConfigType::kDuration:
    case ConfigType::kSize: return !key.least.empty() || !key.most.empty() || value.is_number();
    case ConfigType::kTtl: return value.is_number();
    case ConfigType::kUrl:
    case ConfigType::kProxy:
    case ConfigType::kAddress: return text;
    case ConfigType::kHeaderNames:
    case ConfigType::kTags: return value.is_array();
    case ConfigType::kText:
    case ConfigType::kPatterns:
    case ConfigType::kScalars:
      // References stand only where a secret belongs; control characters nowhere.
      return text && (value.get<std::string>().find("${") != std::string::npos ||
                      value.get<std::string>().find('\n') != std::string::npos);
    case ConfigType::kNumber:
    case ConfigType::kInteger: return value.is_number_float();
    default: return false;
  }
}

class ConfigSchemaTest : public ::testing::Test {
 protected:
  bool ParserAccepts(const json& document) {
    std::ofstream(dir_ / "config.json") << document;
    complaint_ = client::ConfigDocument::Load({.file = dir_ / "config.json"}).status().message();
    return complaint_.empty();
  }

  TempDir dir_;
  std::string complaint_;
  const Validator schema_{json::parse(ConfigSchema())};
};

TEST_F(ConfigSchemaTest, AgreesWithTheParserOnEveryKeyAndValue) {
  int accepted = 0;
  std::size_t turn = 0;
  for (const ConfigKey& key : client::ConfigKeys()) {
    for (const json& value : SampleValues()) {
      for (const bool in_environment : {false, true}) {
        if (in_environment && ++turn % 5 != 0) continue;  // one table; samples of it are enough
        const json document = DocumentWith(key, value, in_environment);
        const bool parser = ParserAccepts(document);
        const bool schema = schema_.Accepts(document);
        accepted += parser ? 1 : 0;
        if (parser) {
          EXPECT_TRUE(schema) << key.pointer << ": " << value << " is right";
        } else if (schema) {
          EXPECT_TRUE(IsBeyondASchema(key, value))
              << key.pointer << ": " << value << " is wrong: " << complaint_;
        }
      }
    }
  }
  EXPECT_GT(accepted, 300) << "the samples reach what is allowed";
}

// Names with one mistake in them, anywhere in the document.
TEST_F(ConfigSchemaTest, BothRefuseNamesThatAreNotKnown) {
  constexpr unsigned kSeed = 20261126;
  std::mt19937 random(kSeed);
  for (const ConfigKey& key : client::ConfigKeys()) {
    client::ConfigPath parts = client::FromPointer(key.pointer);
    for (std::string& part : parts) {
      if (part == "*" || part == "[]") continue;
      const std::string right = part;
      part[random() % part.size()] = '~';
      const std::string pointer = client::ToPointer(parts);
      part = right;
      ConfigKey mistyped = key;
      mistyped.pointer = pointer;
      const json document = DocumentWith(mistyped, "x", false);
      EXPECT_FALSE(ParserAccepts(document)) << pointer << ", seed " << kSeed;
      EXPECT_FALSE(schema_.Accepts(document)) << pointer << ", seed " << kSeed;
    }
  }
}

TEST_F(ConfigSchemaTest, ShippedFileAndTheManualsExamplesAreAccepted) {
  std::ifstream file(std::string(LARDER_SOURCE_DIR) + "/config.json");
  EXPECT_TRUE(schema_.Accepts(json::parse(file)));
  std::ifstream manual(std::string(LARDER_SOURCE_DIR) + "/docs/configuration.md");
  const std::string text(std::istreambuf_iterator<char>(manual), {});
  int examples = 0;
  for (std::size_t at = 0; (at = text.find("```json\n", at)) != std::string::npos; ++examples) {
    at += 8;
    const json example = json::parse(text.substr(at, text.find("```", at) - at));
    EXPECT_TRUE(schema_.Accepts(example)) << example;
    EXPECT_TRUE(ParserAccepts(example)) << complaint_;
  }
  EXPECT_GE(examples, 3);
}

// The example of the contract with its users, word for word but for its line breaks.
TEST_F(ConfigSchemaTest, ExampleOfTheContractIsAccepted) {
  const json example = json::parse(R"({
  "cache": {
    "directory": "./larder-data", "max_disk_bytes": "10GiB", "max_memory_bytes": "256MiB",
    "default_ttl": "24h", "ttl_jitter": 0.05, "stale_while_revalidate": "0s",
    "stale_if_error": "0s", "negative_ttl": "0s",
    "durability": "process", "on_corruption": "quarantine",
    "compression": { "level": 3, "dictionary": "auto" }
  },
  "policy": [ { "match": { "path": "/v1/*", "model": "gpt-*" }, "ttl": "7d",
                "tags": ["model:{model}"], "cache": true } ],
  "providers": {
    "openai":    { "dialect": "openai",    "base_url": "https://api.openai.com",
                   "timeouts": { "connect": "5s", "first_byte": "120s", "idle": "60s",
                                 "total": "10m" },
                   "retry": { "max_attempts": 3, "base_delay": "500ms", "max_delay": "8s" } },
    "anthropic": { "dialect": "anthropic", "base_url": "https://api.anthropic.com" }
  },
  "prices":  { "gpt-4o": { "input_per_million": 2.5, "output_per_million": 10.0 } },
  "gateway": { "listen": "127.0.0.1:8080",
               "default_provider": { "openai": "openai", "anthropic": "anthropic" },
               "isolation": "credential", "max_body_bytes": "32MiB", "on_abort": "finish" },
  "admin":   { "socket": "auto", "listen": null, "token": null },
  "logging": { "level": "info", "format": "json", "file": null },
  "metrics": { "enabled": true }
})");
  EXPECT_TRUE(ParserAccepts(example)) << complaint_;
  EXPECT_TRUE(schema_.Accepts(example));
}

}  // namespace
}  // namespace larder::tools
