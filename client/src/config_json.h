// ConfigJson: the text of config.json as a JSON document that remembers its lines.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder::client {

using ConfigJson = nlohmann::ordered_json;

struct ConfigText {
  ConfigJson root;
  std::map<std::string, int> lines;  // pointer -> line of its name
};

// Strict JSON (RFC 8259) in UTF-8 whose top is an object; a name occurs once in an object.
// Errors: kInvalidArgument, beginning with `name:LINE:COLUMN: ` or `name:LINE: `; never quotes a
// value.
Result<ConfigText> ParseConfigText(std::string_view text, const std::string& name);

}  // namespace larder::client
