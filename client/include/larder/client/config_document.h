// ConfigDocument: config.json with all that is laid over it, checked as a whole.
//
// The layers, last wins: built-in defaults, the file, environments.<LARDER_ENV> (RFC 7396),
// variables LARDER__CACHE__MAX_DISK_BYTES, flags. A document that loads is valid in every key; one
// that does not is refused whole, with one message naming the place, what was found and what is
// allowed. See docs/configuration.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/config.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// A flag that stands for a key: {"--listen", "/gateway/listen", "127.0.0.1:0"}.
struct ConfigFlag {
  std::string name;
  std::string pointer;
  std::string value;
};

struct ConfigSources {
  // The file. Empty = $LARDER_CONFIG, else ./config.json, else /etc/larder/config.json, else none.
  std::string file = {};
  // LARDER_CONFIG, LARDER_ENV and LARDER__... are taken from here; see ProcessEnvironment().
  std::map<std::string, std::string> environment = {};
  std::vector<ConfigFlag> flags = {};
};

// The environment of this process as of now.
std::map<std::string, std::string> ProcessEnvironment();

// Immutable and cheap to copy; thread-safe. The typed getters are for keys of the table that have
// a value: any other pointer is a bug of the caller and aborts.
class ConfigDocument {
 public:
  // Errors: kInvalidArgument.
  static Result<ConfigDocument> Load(const ConfigSources& sources);

  // The file that was read; empty if there was none.
  const std::string& file() const;

  bool IsNull(std::string_view pointer) const;
  std::string Text(std::string_view pointer) const;
  bool Flag(std::string_view pointer) const;
  std::int64_t Integer(std::string_view pointer) const;
  double Number(std::string_view pointer) const;
  Duration Time(std::string_view pointer) const;
  std::uint64_t Size(std::string_view pointer) const;
  // A text counts as a list of one.
  std::vector<std::string> List(std::string_view pointer) const;
  // The names in a section of the user's own names ("/providers"), in their order; of a list
  // ("/policy") the indexes.
  std::vector<std::string> Names(std::string_view pointer) const;

  // Where the value came from: "default", "config.json:7", "LARDER__CACHE__DIRECTORY", "--listen".
  std::string Origin(std::string_view pointer) const;
  // Pointers of all values, in the order of the document.
  std::vector<std::string> Pointers() const;
  // One value, or with "" the whole document, as JSON. Holds no secrets: those are references.
  std::string ToJson(std::string_view pointer = "") const;

 private:
  struct Content;
  explicit ConfigDocument(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

// The sections cache, providers and prices. Errors: kInvalidArgument.
Result<ClientConfig> ReadClientConfig(const ConfigDocument& document);

}  // namespace larder::client
