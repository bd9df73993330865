// ConfigKeys: every key that config.json may hold, in one table.
//
// The table drives all that must agree about a key: what a file is checked against, the nearest
// name for a mistyped one, the built-in defaults, docs/config.schema.json and the tables of
// docs/configuration.md. It covers the sections of the programs too, because a file is refused
// whole, whoever reads it. To add a key, add a line here and read it where it is used.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::client {

enum class ConfigType {
  kText,
  kChoice,       // one of ConfigKey::choices
  kFlag,         // true or false
  kInteger,      //
  kNumber,       //
  kDuration,     // "30s"; a plain number counts seconds
  kTtl,          // a duration, 0 = not stored, or "never"
  kSize,         // "64MiB"; a plain number counts bytes
  kUrl,          // scheme, authority, optional path
  kAddress,      // "127.0.0.1:8080", "[::1]:8080", "localhost:0"
  kHeaderNames,  // a list of names of header fields
  kPatterns,     // a text with wildcards, or a list of such
  kScalars,      // a text with wildcards, a number, true, false, or a list of such
  kTags,         // a list of tags, which may be templates
  kProxy,        // a URL without path, or "none"
  kSecret,       // a reference, never a literal; see secret.h
};

struct ConfigKey {
  // JSON pointer; the part "*" stands for a name of the user's choice, "[]" for each element of a
  // list.
  std::string_view pointer;
  ConfigType type;
  // JSON text of the built-in default; empty = must be given; "-" = none, it may be left out.
  std::string_view fallback;
  // What it is for, one sentence.
  std::string_view meaning;
  // Limits, both allowed, as a user would write them; empty = none.
  std::string_view least = {};
  std::string_view most = {};
  // kChoice: the choices, separated by spaces.
  std::string_view choices = {};
  bool nullable = false;
  // Whether a running process can take the change over; else it needs a restart.
  bool live = false;
};

using ConfigPath = std::vector<std::string>;

// In the order in which a file shows them.
std::span<const ConfigKey> ConfigKeys();

// The key at `path`, or nullptr.
const ConfigKey* FindConfigKey(const ConfigPath& path);
// The names that may follow `path`, each once; empty if it is no section. "*" = any name, "[]" =
// it is a list.
std::vector<std::string_view> ConfigNamesUnder(const ConfigPath& path);

// What may stand at the key: `a size such as "64MiB", at least 256MiB`.
std::string DescribeAllowed(const ConfigKey& key);

// {"prices", "a/b"} <-> "/prices/a~1b" (RFC 6901).
std::string ToPointer(const ConfigPath& path);
ConfigPath FromPointer(std::string_view pointer);

}  // namespace larder::client
