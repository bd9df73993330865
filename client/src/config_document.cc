#include "larder/client/config_document.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config_check.h"
#include "config_json.h"
#include "config_layers.h"
#include "larder/client/config_keys.h"
#include "larder/client/nearest_name.h"

namespace larder::client {

struct ConfigDocument::Content {
  std::string file;
  ConfigJson root = ConfigJson::object();
  std::map<std::string, std::string> origins;

  const ConfigJson* Find(std::string_view pointer) const {
    const ConfigJson::json_pointer at{std::string(pointer)};
    return root.contains(at) ? &root.at(at) : nullptr;
  }
  const ConfigJson& At(std::string_view pointer) const {
    const ConfigJson* value = Find(pointer);
    if (value == nullptr) {
      std::fprintf(stderr, "larder: configuration has no key %s\n", std::string(pointer).c_str());
      std::abort();
    }
    return *value;
  }
};

namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;
constexpr const char* kUsualFiles[] = {"./config.json", "/etc/larder/config.json"};

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

std::string Variable(const ConfigSources& sources, const std::string& name) {
  const auto found = sources.environment.find(name);
  return found == sources.environment.end() ? "" : found->second;
}

// The file to read, or empty if none was named and none is in the usual places.
std::string ChooseFile(const ConfigSources& sources) {
  if (!sources.file.empty()) return sources.file;
  if (std::string named = Variable(sources, "LARDER_CONFIG"); !named.empty()) return named;
  for (const char* path : kUsualFiles) {
    if (access(path, F_OK) == 0) return path;
  }
  return "";
}

Result<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) return Invalid(path + ": is a directory");
  // A pipe may never say anything, a device never end.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Invalid(path + ": is not a regular file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Invalid(path + ": cannot be read: " + std::strerror(errno));
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Invalid(path + ": cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return Invalid(path + ": is over 4 MiB");
  return text;
}

// Checks the file's sections and environments, and lays the chosen environment over the rest.
class FileLayer {
 public:
  FileLayer(std::string name, ConfigText text) : name_(std::move(name)), text_(std::move(text)) {}

  Status Apply(const std::string& environment, LayeredConfig& config) {
    const ConfigJson environments = TakeEnvironments();
    if (Status status = CheckConfigSection(text_.root, {}, Check({}, false)); !status.ok()) {
      return status;
    }
    if (!environments.is_object()) {
      return Invalid(Place({"environments"}) + ": found " + environments.type_name() +
                     "; allowed: an object of merge patches");
    }
    for (const auto& [name, patch] : environments.items()) {
      const ConfigCheck check = Check({"environments", name}, true);
      if (Status status = CheckConfigSection(patch, {}, check); !status.ok()) return status;
    }
    config.root = text_.root;
    config.origins = Places("");
    if (environment.empty()) return Status::Ok();
    if (!environments.contains(environment)) return NoSuchEnvironment(environment, environments);
    const std::string prefix = ToPointer({"environments", environment});
    MergeConfigPatch(environments.at(environment), {}, Places(prefix), config);
    return Status::Ok();
  }

 private:
  ConfigJson TakeEnvironments() {
    if (!text_.root.contains("environments")) return ConfigJson::object();
    ConfigJson environments = std::move(text_.root["environments"]);
    text_.root.erase("environments");
    return environments;
  }

  std::string Origin(const std::string& pointer) const {
    // What has no name, as an element of a list, is where the nearest above it is.
    for (std::string at = pointer; !at.empty(); at.erase(at.rfind('/'))) {
      const auto line = text_.lines.find(at);
      if (line != text_.lines.end()) return name_ + ":" + std::to_string(line->second);
    }
    return name_;
  }
  std::string Place(const ConfigPath& path) const {
    const std::string pointer = ToPointer(path);
    return Origin(pointer) + (pointer.empty() ? "" : ": " + pointer);
  }
  ConfigCheck Check(const ConfigPath& base, bool patch) const {
    return {.place =
                [this, base](const ConfigPath& path) {
                  ConfigPath whole = base;
                  whole.insert(whole.end(), path.begin(), path.end());
                  return Place(whole);
                },
            .patch = patch};
  }
  // The origins of the nodes under `prefix`, by their pointers without it.
  std::map<std::string, std::string> Places(const std::string& prefix) const {
    std::map<std::string, std::string> places;
    for (const auto& [pointer, line] : text_.lines) {
      if (!pointer.starts_with(prefix + "/")) continue;
      places[pointer.substr(prefix.size())] = name_ + ":" + std::to_string(line);
    }
    return places;
  }

  Status NoSuchEnvironment(const std::string& environment, const ConfigJson& environments) const {
    std::vector<std::string_view> known;
    for (const auto& item : environments.items()) known.push_back(item.key());
    const std::string nearest(NearestName(environment, known));
    return Invalid("LARDER_ENV: \"" + environment + "\" is not among the environments of " + name_ +
                   (nearest.empty() ? ", which has none" : "; nearest is \"" + nearest + "\""));
  }

  const std::string name_;
  ConfigText text_;
};

// What a pattern's "*" or "[]" stands for at `path`.
std::vector<std::string> NamesAt(const ConfigPath& path, std::string_view part,
                                 const ConfigJson& root) {
  std::vector<std::string> names;
  const ConfigJson::json_pointer at(ToPointer(path));
  if (!root.contains(at)) return names;
  const ConfigJson& node = root.at(at);
  if (node.is_array() != (part == "[]")) return names;
  for (const auto& item : node.items()) names.push_back(item.key());
  return names;
}

// All paths that a key's pattern stands for in `root`.
std::vector<ConfigPath> Expand(const ConfigKey& key, const ConfigJson& root) {
  std::vector<ConfigPath> paths = {{}};
  for (const std::string& part : FromPointer(key.pointer)) {
    std::vector<ConfigPath> longer;
    for (ConfigPath& path : paths) {
      const bool fixed = part != "*" && part != "[]";
      const auto names = fixed ? std::vector<std::string>{part} : NamesAt(path, part, root);
      for (const std::string& name : names) {
        longer.push_back(path);
        longer.back().push_back(name);
      }
    }
    paths = std::move(longer);
  }
  return paths;
}

// Puts `value` at `path`, which is one of `key`; what is missing on the way is made.
void Put(const ConfigKey& key, const ConfigPath& path, ConfigJson value, ConfigJson& root) {
  const ConfigPath parts = FromPointer(key.pointer);
  ConfigJson* node = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (parts[i] != "[]") {
      if (node->is_null()) *node = ConfigJson::object();
      node = &(*node)[path[i]];
      continue;
    }
    if (node->is_null()) *node = ConfigJson::array();
    const std::size_t index = std::stoul(path[i]);
    while (node->size() <= index) node->push_back(ConfigJson::object());
    node = &(*node)[index];
  }
  *node = std::move(value);
}

Status Missing(const ConfigKey& key, ConfigPath path, const LayeredConfig& given) {
  path.pop_back();
  const std::string name(key.pointer.substr(key.pointer.rfind('/') + 1));
  return Invalid(ConfigOrigin(given.origins, ToPointer(path)) + ": " + ToPointer(path) + ": \"" +
                 name + "\" is missing; allowed: " + DescribeAllowed(key));
}

// A copy in the order of the table, with the defaults of what is not there.
Status FillIn(const LayeredConfig& given, LayeredConfig& whole) {
  for (const ConfigKey& key : ConfigKeys()) {
    for (const ConfigPath& path : Expand(key, given.root)) {
      const std::string pointer = ToPointer(path);
      const ConfigJson::json_pointer at(pointer);
      if (given.root.contains(at)) {
        Put(key, path, given.root.at(at), whole.root);
        whole.origins[pointer] = ConfigOrigin(given.origins, pointer);
        continue;
      }
      if (key.fallback.empty()) return Missing(key, path, given);
      // A key that says nothing when it is absent would only make the document longer.
      const bool silent = key.pointer == "/$schema";
      if (silent || key.fallback == "-") continue;
      Put(key, path, ConfigJson::parse(key.fallback), whole.root);
      whole.origins[pointer] = "default";
    }
  }
  return Status::Ok();
}

void ListPointers(const ConfigJson& node, ConfigPath& path, std::vector<std::string>& pointers) {
  if (FindConfigKey(path) != nullptr) {
    pointers.push_back(ToPointer(path));
    return;
  }
  for (const auto& [name, value] : node.items()) {
    path.push_back(name);
    ListPointers(value, path, pointers);
    path.pop_back();
  }
}

Status ApplyFile(const ConfigSources& sources, const std::string& file, LayeredConfig& config) {
  const std::string environment = Variable(sources, "LARDER_ENV");
  if (file.empty()) {
    if (environment.empty()) return Status::Ok();
    return Invalid("LARDER_ENV: \"" + environment +
                   "\" needs a configuration file, and none was found");
  }
  const Result<std::string> text = ReadFile(file);
  if (!text.ok()) return text.status();
  Result<ConfigText> parsed = ParseConfigText(*text, file);
  if (!parsed.ok()) return parsed.status();
  return FileLayer(file, std::move(*parsed)).Apply(environment, config);
}

}  // namespace

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == text.npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

Result<ConfigDocument> ConfigDocument::Load(const ConfigSources& sources) {
  const std::string file = ChooseFile(sources);
  LayeredConfig given;
  if (Status status = ApplyFile(sources, file, given); !status.ok()) return status;
  if (Status status = ApplyConfigVariables(sources.environment, given); !status.ok()) return status;
  for (const ConfigFlag& flag : sources.flags) {
    if (Status status = ApplyConfigFlag(flag, given); !status.ok()) return status;
  }
  LayeredConfig whole;
  if (Status status = FillIn(given, whole); !status.ok()) return status;
  auto content = std::make_shared<Content>();
  content->file = file;
  content->root = std::move(whole.root);
  content->origins = std::move(whole.origins);
  return ConfigDocument(std::move(content));
}

const std::string& ConfigDocument::file() const { return content_->file; }

bool ConfigDocument::IsNull(std::string_view pointer) const {
  const ConfigJson* value = content_->Find(pointer);
  return value == nullptr || value->is_null();
}

std::string ConfigDocument::Text(std::string_view pointer) const {
  return content_->At(pointer).get<std::string>();
}

bool ConfigDocument::Flag(std::string_view pointer) const {
  return content_->At(pointer).get<bool>();
}

std::int64_t ConfigDocument::Integer(std::string_view pointer) const {
  return content_->At(pointer).get<std::int64_t>();
}

double ConfigDocument::Number(std::string_view pointer) const {
  return content_->At(pointer).get<double>();
}

Duration ConfigDocument::Time(std::string_view pointer) const {
  return ConfigDuration(content_->At(pointer)).value();
}

std::uint64_t ConfigDocument::Size(std::string_view pointer) const {
  return ConfigSize(content_->At(pointer)).value();
}

std::vector<std::string> ConfigDocument::List(std::string_view pointer) const {
  const ConfigJson& value = content_->At(pointer);
  if (value.is_string()) return {value.get<std::string>()};
  return value.get<std::vector<std::string>>();
}

std::vector<std::string> ConfigDocument::Names(std::string_view pointer) const {
  std::vector<std::string> names;
  const ConfigJson* section = content_->Find(pointer);
  if (section == nullptr) return names;
  for (const auto& item : section->items()) names.push_back(item.key());
  return names;
}

std::string ConfigDocument::Origin(std::string_view pointer) const {
  const auto found = content_->origins.find(std::string(pointer));
  return found == content_->origins.end() ? "default" : found->second;
}

std::vector<std::string> ConfigDocument::Pointers() const {
  std::vector<std::string> pointers;
  ConfigPath path;
  ListPointers(content_->root, path, pointers);
  return pointers;
}

std::string ConfigDocument::ToJson(std::string_view pointer) const {
  const ConfigJson& value = content_->At(pointer);
  return value.dump(value.is_object() ? 2 : -1, ' ', false, ConfigJson::error_handler_t::replace);
}

}  // namespace larder::client
