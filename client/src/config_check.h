// ConfigCheck: whether a layer of the configuration says only what the table of keys allows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config_json.h"
#include "larder/client/config_keys.h"
#include "larder/clock.h"
#include "larder/status.h"

namespace larder::client {

struct ConfigCheck {
  // Where a path of this layer stands, for messages: "config.json:7: /cache/directory".
  std::function<std::string(const ConfigPath&)> place;
  // A merge patch: null is allowed everywhere and takes a key away.
  bool patch = false;
};

// Checks `section`, which stands at `path` of the document. Required keys may be missing: another
// layer may have them. Errors: kInvalidArgument, `PLACE: found X; allowed: Y` or
// `PLACE: unknown key; nearest is "Z"; allowed: ...`. A value in place of a secret is not shown.
Status CheckConfigSection(const ConfigJson& section, const ConfigPath& path,
                          const ConfigCheck& check);

// The part of that message after the place, or empty if the value is allowed.
std::string CheckConfigValue(const ConfigKey& key, const ConfigJson& value);

// `; nearest is "x"; allowed: "x", "y"` for a name that is not among those under `path`.
std::string DescribeNamesUnder(const ConfigPath& path, std::string_view name);

// What a flag or a variable says, as the JSON value that the key wants; not yet checked.
ConfigJson ConfigValueFromText(const ConfigKey& key, const std::string& text);

// Readers of values that are known to be allowed.
std::optional<Duration> ConfigDuration(const ConfigJson& value);
std::optional<std::uint64_t> ConfigSize(const ConfigJson& value);

struct ConfigAddress {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
std::optional<ConfigAddress> ParseConfigAddress(std::string_view text);

}  // namespace larder::client
