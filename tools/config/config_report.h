// What the programs say of their configuration, in JSON.
#pragma once

#include <string>
#include <vector>

#include "larder/client/config_change.h"
#include "larder/client/config_document.h"

namespace larder::tools {

// {"file", "config", "origins": {pointer: where its value is from}}. Holds no secrets.
std::string ConfigToJson(const client::ConfigDocument& document);
// {"file", "changes": {pointer: "live" or "restart"}}
std::string ChangesToJson(const std::string& file,
                          const std::vector<client::ConfigChange>& changes);

}  // namespace larder::tools
