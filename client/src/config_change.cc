#include "larder/client/config_change.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config_check.h"
#include "config_json.h"
#include "config_layers.h"
#include "larder/client/config_keys.h"

namespace larder::client {
namespace {

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

// "cache.default_ttl" or "/prices/gpt-4.1/input_per_million".
ConfigPath PathOf(std::string_view key) {
  if (key.starts_with('/')) return FromPointer(key);
  ConfigPath path;
  while (true) {
    const std::size_t dot = key.find('.');
    path.emplace_back(key.substr(0, dot));
    if (dot == key.npos) return path;
    key.remove_prefix(dot + 1);
  }
}

// Ok if `path` leads to a key or a list.
Status CheckPath(const ConfigPath& path) {
  ConfigPath reached;
  for (const std::string& name : path) {
    const std::vector<std::string_view> known = ConfigNamesUnder(reached);
    if (!known.empty() && known.front() == "[]") {
      return Invalid(ToPointer(reached) + ": a list is set as a whole, as JSON");
    }
    const bool any = !known.empty() && known.front() == "*";
    if (!any && std::find(known.begin(), known.end(), name) == known.end()) {
      if (known.empty()) return Invalid(ToPointer(reached) + " has no keys under it");
      return Invalid(ToPointer(path) + ": unknown key" + DescribeNamesUnder(reached, name));
    }
    reached.push_back(name);
  }
  return Status::Ok();
}

// Takes the node at `path` away, where it is.
void Erase(const ConfigPath& path, ConfigJson& root) {
  ConfigJson* node = &root;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (!node->is_object() || !node->contains(path[i])) return;
    node = &(*node)[path[i]];
  }
  if (node->is_object()) node->erase(path.back());
}

}  // namespace

std::vector<ConfigChange> CompareConfig(const ConfigDocument& before, const ConfigDocument& after) {
  const std::vector<std::string> old = before.Pointers();
  std::vector<std::string> pointers = after.Pointers();
  const std::set<std::string> known(pointers.begin(), pointers.end());
  std::copy_if(old.begin(), old.end(), std::back_inserter(pointers),
               [&](const std::string& pointer) { return !known.contains(pointer); });
  const std::set<std::string> had(old.begin(), old.end());
  std::vector<ConfigChange> changes;
  for (const std::string& pointer : pointers) {
    const bool there = known.contains(pointer);
    const bool was = had.contains(pointer);
    if (there && was && before.ToJson(pointer) == after.ToJson(pointer)) continue;
    changes.push_back({pointer, FindConfigKey(FromPointer(pointer))->live});
  }
  return changes;
}

Result<std::string> SetInConfigText(std::string_view text, const std::string& file,
                                    std::string_view key, const std::string& value) {
  Result<ConfigText> parsed = ParseConfigText(text, file);
  if (!parsed.ok()) return parsed.status();
  const ConfigPath path = PathOf(key);
  if (Status status = CheckPath(path); !status.ok()) return status;
  const ConfigKey* known = FindConfigKey(path);
  const bool nullable = known != nullptr && known->nullable;
  if (value == "null" && !nullable) {
    Erase(path, parsed->root);
  } else {
    LayeredConfig config;
    config.root = std::move(parsed->root);
    const Status set = ApplyConfigFlag({ToPointer(path), ToPointer(path), value}, config);
    if (!set.ok()) return set;
    parsed->root = std::move(config.root);
  }
  return parsed->root.dump(2, ' ', false, ConfigJson::error_handler_t::replace) + "\n";
}

Result<std::string> MakeConfigPatch(std::string_view key, const std::string& value) {
  const Result<std::string> set = SetInConfigText("{}", "the change", key, value);
  if (!set.ok() || value != "null") return set;
  ConfigJson patch = nullptr;
  const ConfigPath path = PathOf(key);
  for (auto name = path.rbegin(); name != path.rend(); ++name) {
    ConfigJson outer = ConfigJson::object();
    outer[*name] = std::move(patch);
    patch = std::move(outer);
  }
  return patch.dump();
}

Result<std::string> PatchConfigText(std::string_view text, const std::string& file,
                                    std::string_view patch) {
  Result<ConfigText> parsed = ParseConfigText(text, file);
  if (!parsed.ok()) return parsed.status();
  const Result<ConfigText> change = ParseConfigText(patch, "the change");
  if (!change.ok()) return change.status();
  if (!change->root.is_object()) return Invalid("the change is not a JSON object");
  parsed->root.merge_patch(change->root);
  return parsed->root.dump(2, ' ', false, ConfigJson::error_handler_t::replace) + "\n";
}

}  // namespace larder::client
