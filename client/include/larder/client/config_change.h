// ConfigChange: what is different between two configurations, and whether a running process can
// take it over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "larder/client/config_document.h"
#include "larder/result.h"

namespace larder::client {

struct ConfigChange {
  std::string pointer;
  bool live = false;  // else it needs a restart
};

// In the order of the table of keys.
std::vector<ConfigChange> CompareConfig(const ConfigDocument& before, const ConfigDocument& after);

// The text of a configuration file in which one key has another value. `key` is a JSON pointer, or
// names with dots between them; `value` is written as in a variable of the environment, or JSON for
// a list; "null" takes a key away. The file is written anew: its layout is not kept.
// Errors: kInvalidArgument, naming what is wrong with the text, the key or the value, and the
// nearest key for one that is not known. The rest of the file is not checked.
Result<std::string> SetInConfigText(std::string_view text, const std::string& file,
                                    std::string_view key, const std::string& value);

// The same change as a merge patch (RFC 7396) for a configuration file: {"logging": {"level":
// "debug"}}, or with null where the key is taken away. Errors: kInvalidArgument, as above.
Result<std::string> MakeConfigPatch(std::string_view key, const std::string& value);

// The text of a configuration file with such a patch applied. Errors: kInvalidArgument (one of the
// two is not a JSON object). What comes of it is not checked.
Result<std::string> PatchConfigText(std::string_view text, const std::string& file,
                                    std::string_view patch);

}  // namespace larder::client
