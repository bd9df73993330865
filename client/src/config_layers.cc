#include "config_layers.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "config_check.h"
#include "larder/client/nearest_name.h"

namespace larder::client {
namespace {

constexpr std::string_view kVariablePrefix = "LARDER__";

void Forget(const std::string& pointer, LayeredConfig& config) {
  std::erase_if(config.origins, [&](const auto& origin) {
    return origin.first == pointer || origin.first.starts_with(pointer + "/");
  });
}

// The node at `path`; what is missing on the way becomes objects that come from `origin`.
ConfigJson& Reach(const ConfigPath& path, const std::string& origin, LayeredConfig& config) {
  ConfigJson* node = &config.root;
  ConfigPath reached;
  for (const std::string& name : path) {
    reached.push_back(name);
    if (!node->contains(name)) {
      (*node)[name] = ConfigJson::object();
      config.origins[ToPointer(reached)] = origin;
    }
    node = &(*node)[name];
  }
  return *node;
}

void Set(const ConfigPath& path, ConfigJson value, const std::string& origin,
         LayeredConfig& config) {
  Reach(path, origin, config) = std::move(value);
  config.origins[ToPointer(path)] = origin;
}

// How a name is written in a variable: upper case, all else than letters and digits as "_".
std::string AsVariable(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  });
  return text;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<std::string> SplitVariable(std::string_view rest) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = rest.find("__");
    parts.emplace_back(rest.substr(0, end));
    if (end == rest.npos) return parts;
    rest.remove_prefix(end + 2);
  }
}

// The names at `path` that a part of a variable can stand for.
std::vector<std::string> NamesAt(const ConfigPath& path, const LayeredConfig& config) {
  std::vector<std::string> names;
  const std::vector<std::string_view> known = ConfigNamesUnder(path);
  if (known.empty() || known.front() != "*") return {known.begin(), known.end()};
  const ConfigJson::json_pointer pointer(ToPointer(path));
  if (!config.root.contains(pointer)) return names;
  for (const auto& [name, value] : config.root.at(pointer).items()) names.push_back(name);
  return names;
}

Status Unknown(const std::string& variable, const std::string& prefix,
               const std::vector<std::string>& names, const std::string& part) {
  std::vector<std::string> written;
  for (const std::string& name : names) written.push_back(AsVariable(name));
  const std::vector<std::string_view> views(written.begin(), written.end());
  const std::string nearest(NearestName(part, views));
  return {StatusCode::kInvalidArgument,
          variable + ": stands for no key; nearest is " + prefix + nearest};
}

// The path of the key that `variable` stands for.
Result<ConfigPath> FindPath(const std::string& variable, const LayeredConfig& config) {
  ConfigPath path;
  std::string prefix(kVariablePrefix);
  for (const std::string& part : SplitVariable(variable.substr(kVariablePrefix.size()))) {
    const std::vector<std::string_view> known = ConfigNamesUnder(path);
    if (known.empty()) {
      prefix.resize(prefix.size() - 2);
      return Status(StatusCode::kInvalidArgument,
                    variable + ": stands for no key; nearest is " + prefix);
    }
    if (known.front() == "[]") {
      prefix.resize(prefix.size() - 2);
      return Status(StatusCode::kInvalidArgument,
                    variable + ": a list is set as a whole, as JSON in " + prefix);
    }
    const std::vector<std::string> names = NamesAt(path, config);
    std::vector<std::string> meant;
    std::ranges::copy_if(names, std::back_inserter(meant),
                         [&](const std::string& name) { return AsVariable(name) == part; });
    if (meant.size() > 1) {
      return Status(StatusCode::kInvalidArgument,
                    variable + ": stands for both \"" + meant[0] + "\" and \"" + meant[1] + "\"");
    }
    if (meant.empty() && known.front() != "*") return Unknown(variable, prefix, names, part);
    path.push_back(meant.empty() ? Lower(part) : meant.front());
    prefix += part + "__";
  }
  return path;
}

// What a variable or flag says of a key, or of a list, which is said as JSON.
ConfigJson ValueFromText(const ConfigKey* key, const std::string& text) {
  if (key != nullptr) return ConfigValueFromText(*key, text);
  ConfigJson list = ConfigJson::parse(text, nullptr, /*allow_exceptions=*/false);
  return list.is_discarded() ? ConfigJson(text) : list;
}

bool IsList(const ConfigPath& path) {
  const std::vector<std::string_view> known = ConfigNamesUnder(path);
  return !known.empty() && known.front() == "[]";
}

Status SetFromText(const std::string& origin, const ConfigPath& path, const std::string& text,
                   LayeredConfig& config) {
  const ConfigKey* key = FindConfigKey(path);
  if (key == nullptr && !IsList(path)) {
    return {StatusCode::kInvalidArgument, origin + ": " + ToPointer(path) +
                                              " is a section; set one of its keys" +
                                              DescribeNamesUnder(path, "")};
  }
  const ConfigCheck check{.place = [&](const ConfigPath&) { return origin; }};
  ConfigJson nested = ValueFromText(key, text);
  for (auto name = path.rbegin(); name != path.rend(); ++name) {
    nested = ConfigJson::object({{*name, std::move(nested)}});
  }
  if (Status status = CheckConfigSection(nested, {}, check); !status.ok()) return status;
  Forget(ToPointer(path), config);
  Set(path, ValueFromText(key, text), origin, config);
  return Status::Ok();
}

}  // namespace

std::string ConfigOrigin(const std::map<std::string, std::string>& origins, std::string pointer) {
  while (!pointer.empty()) {
    const auto found = origins.find(pointer);
    if (found != origins.end()) return found->second;
    pointer.erase(pointer.rfind('/'));
  }
  return "default";
}

void MergeConfigPatch(const ConfigJson& patch, const ConfigPath& path,
                      const std::map<std::string, std::string>& places, LayeredConfig& config) {
  for (const auto& [name, value] : patch.items()) {
    ConfigPath child = path;
    child.push_back(name);
    const std::string pointer = ToPointer(child);
    if (value.is_null()) {
      const ConfigJson::json_pointer parent(ToPointer(path));
      if (config.root.contains(parent)) config.root.at(parent).erase(name);
      Forget(pointer, config);
      continue;
    }
    const std::string& origin = places.at(pointer);
    if (value.is_object()) {
      Reach(child, origin, config);
      MergeConfigPatch(value, child, places, config);
    } else {
      Forget(pointer, config);
      for (const auto& [place, line] : places) {
        if (place.starts_with(pointer + "/")) config.origins[place] = line;
      }
      Set(child, value, origin, config);
    }
  }
}

Status ApplyConfigVariables(const std::map<std::string, std::string>& environment,
                            LayeredConfig& config) {
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kVariablePrefix)) continue;
    const Result<ConfigPath> path = FindPath(name, config);
    if (!path.ok()) return path.status();
    if (Status status = SetFromText(name, *path, text, config); !status.ok()) return status;
  }
  return Status::Ok();
}

Status ApplyConfigFlag(const ConfigFlag& flag, LayeredConfig& config) {
  return SetFromText(flag.name, FromPointer(flag.pointer), flag.value, config);
}

}  // namespace larder::client
