// The table of configuration keys in two more forms: a JSON Schema, and tables for the manual.
#pragma once

#include <string>

namespace larder::tools {

// JSON Schema, draft 7, of config.json: docs/config.schema.json.
std::string ConfigSchema();
// A Markdown table of all keys, between the marks of docs/configuration.md.
std::string ConfigTable();

}  // namespace larder::tools
