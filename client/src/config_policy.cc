#include "config_policy.h"

#include <string>
#include <utility>
#include <vector>

#include "config_json.h"
#include "larder/client/config_keys.h"

namespace larder::client {
namespace {

// One rule's keys, of which each may be missing.
class RuleReader {
 public:
  RuleReader(const ConfigDocument& document, std::string base)
      : document_(document), base_(std::move(base)) {}

  std::optional<bool> Flag(const char* key) const {
    if (document_.IsNull(base_ + key)) return std::nullopt;
    return document_.Flag(base_ + key);
  }
  std::optional<Duration> Time(const char* key) const {
    if (document_.IsNull(base_ + key)) return std::nullopt;
    return document_.Time(base_ + key);
  }
  std::string Text(const char* key) const {
    return document_.IsNull(base_ + key) ? "" : document_.Text(base_ + key);
  }
  std::vector<std::string> List(const std::string& key) const {
    if (document_.IsNull(base_ + key)) return {};
    return document_.List(base_ + key);
  }
  std::vector<std::string> Names(const char* key) const { return document_.Names(base_ + key); }
  std::vector<FieldPattern> Scalars(const std::string& key) const {
    const ConfigJson value = ConfigJson::parse(document_.ToJson(base_ + key));
    std::vector<FieldPattern> patterns;
    for (const ConfigJson& one : value.is_array() ? value : ConfigJson::array({value})) {
      if (one.is_boolean()) patterns.emplace_back(one.get<bool>());
      if (one.is_number()) patterns.emplace_back(one.get<double>());
      if (one.is_string()) patterns.emplace_back(one.get<std::string>());
    }
    return patterns;
  }

 private:
  const ConfigDocument& document_;
  const std::string base_;
};

PolicyMatch ReadMatch(const RuleReader& rule) {
  PolicyMatch match;
  match.provider = rule.List("/match/provider");
  match.path = rule.List("/match/path");
  match.model = rule.List("/match/model");
  for (const std::string& name : rule.Names("/match/header")) {
    match.header[name] = rule.List("/match/header" + ToPointer({name}));
  }
  for (const std::string& name : rule.Names("/match/field")) {
    match.field[name] = rule.Scalars("/match/field" + ToPointer({name}));
  }
  return match;
}

StoreRules ReadStore(const RuleReader& rule) {
  StoreRules store;
  const std::string truncated = rule.Text("/store_truncated");
  if (truncated == "always") store.truncated = StoreTruncated::kAlways;
  if (truncated == "never") store.truncated = StoreTruncated::kNever;
  store.content_filter = rule.Flag("/store_content_filter").value_or(false);
  store.refusals = rule.Flag("/store_refusals").value_or(false);
  store.incomplete = rule.Flag("/store_incomplete").value_or(false);
  return store;
}

PolicyRule ReadRule(const RuleReader& reader) {
  PolicyRule rule;
  rule.name = reader.Text("/name");
  rule.match = ReadMatch(reader);
  rule.cache = reader.Flag("/cache");
  rule.ttl = reader.Time("/ttl");
  rule.tags = reader.List("/tags");
  rule.stale_while_revalidate = reader.Time("/stale_while_revalidate");
  rule.stale_if_error = reader.Time("/stale_if_error");
  rule.store = ReadStore(reader);
  rule.cache_stateful = reader.Flag("/cache_stateful").value_or(false);
  return rule;
}

}  // namespace

Policy ReadPolicy(const ConfigDocument& document) {
  std::vector<PolicyRule> rules;
  for (const std::string& index : document.Names("/policy")) {
    rules.push_back(ReadRule(RuleReader(document, "/policy/" + index)));
  }
  return Policy(std::move(rules));
}

}  // namespace larder::client
