#include "config_check.h"

#include <algorithm>

#include "larder/client/nearest_name.h"

namespace larder::client {
namespace {

// The gateway takes the first part of a path for a provider's name, so a name must be able to
// stand there and must not hide a path that means something else.
constexpr std::string_view kReservedNames[] = {"healthz", "larder", "metrics", "readyz", "v1"};

std::string CheckName(const ConfigPath& section, const std::string& name) {
  if (section != ConfigPath{"providers"}) return name.empty() ? "found an empty name" : "";
  if (name.empty() || name.size() > 64 || name.front() == '-' ||
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != name.npos) {
    return "not a name for a provider; allowed: a to z, 0 to 9, - and _, at most 64";
  }
  if (std::ranges::find(kReservedNames, name) == std::end(kReservedNames)) return "";
  return "not a name for a provider: the gateway answers paths under /" + name + " itself";
}

Status Refuse(const ConfigCheck& check, const ConfigPath& path, const std::string& complaint) {
  return {StatusCode::kInvalidArgument, check.place(path) + ": " + complaint};
}

Status CheckNode(const ConfigJson& value, ConfigPath& path, const ConfigCheck& check) {
  if (check.patch && value.is_null()) return Status::Ok();
  if (const ConfigKey* key = FindConfigKey(path)) {
    const std::string complaint = CheckConfigValue(*key, value);
    return complaint.empty() ? Status::Ok() : Refuse(check, path, complaint);
  }
  return CheckConfigSection(value, path, check);
}

}  // namespace

std::string DescribeNamesUnder(const ConfigPath& path, std::string_view name) {
  const std::vector<std::string_view> names = ConfigNamesUnder(path);
  std::string text = "; nearest is \"" + std::string(NearestName(name, names)) + "\"; allowed: ";
  for (const std::string_view known : names) {
    if (known.front() == '$') continue;
    text += '"' + std::string(known) + "\", ";
  }
  text.resize(text.size() - 2);
  return text;
}

namespace {

// Lists are values as a whole: within them null takes nothing away.
Status CheckList(const ConfigJson& list, const ConfigPath& path, const ConfigCheck& check) {
  if (!list.is_array()) {
    const std::string type = list.is_object() ? "an object" : list.type_name();
    return Refuse(check, path, "found " + type + "; allowed: a list of objects");
  }
  const ConfigCheck within{.place = check.place};
  for (std::size_t i = 0; i < list.size(); ++i) {
    ConfigPath child = path;
    child.push_back(std::to_string(i));
    if (Status status = CheckNode(list[i], child, within); !status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace

Status CheckConfigSection(const ConfigJson& section, const ConfigPath& path,
                          const ConfigCheck& check) {
  const std::vector<std::string_view> known = ConfigNamesUnder(path);
  if (known.front() == "[]") return CheckList(section, path, check);
  if (!section.is_object()) {
    const std::string type = section.is_array() ? "a list" : section.type_name();
    return Refuse(check, path, "found " + type + "; allowed: an object");
  }
  const bool any_name = known.front() == "*";
  for (const auto& [name, value] : section.items()) {
    ConfigPath child = path;
    child.push_back(name);
    if (!any_name && std::ranges::find(known, name) == known.end()) {
      return Refuse(check, child, "unknown key" + DescribeNamesUnder(path, name));
    }
    if (any_name) {
      const std::string complaint = CheckName(path, name);
      if (!complaint.empty()) return Refuse(check, child, complaint);
    }
    if (Status status = CheckNode(value, child, check); !status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace larder::client
