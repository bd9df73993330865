// ConfigLayers: what lies over the file: a merge patch, variables of the environment, flags.
#pragma once

#include <map>
#include <string>

#include "config_json.h"
#include "larder/client/config_document.h"
#include "larder/client/config_keys.h"
#include "larder/status.h"

namespace larder::client {

// A document in the making, and where each of its nodes came from.
struct LayeredConfig {
  ConfigJson root = ConfigJson::object();
  std::map<std::string, std::string> origins;  // pointer -> "config.json:7"
};

// Where the node at `pointer` came from: with the nearest node above it that is known.
std::string ConfigOrigin(const std::map<std::string, std::string>& origins, std::string pointer);

// Lays `patch` over the node at `path` as RFC 7396 says. `places` has the origins of the patch's
// nodes by their pointers in the document.
void MergeConfigPatch(const ConfigJson& patch, const ConfigPath& path,
                      const std::map<std::string, std::string>& places, LayeredConfig& config);

// LARDER__CACHE__MAX_DISK_BYTES=1GiB and the like, in the order of their names.
// Errors: kInvalidArgument, naming the variable, and the nearest for one that stands for no key.
Status ApplyConfigVariables(const std::map<std::string, std::string>& environment,
                            LayeredConfig& config);

// Errors: kInvalidArgument, naming the flag.
Status ApplyConfigFlag(const ConfigFlag& flag, LayeredConfig& config);

}  // namespace larder::client
