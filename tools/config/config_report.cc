#include "config_report.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace larder::tools {

using nlohmann::ordered_json;

std::string ConfigToJson(const client::ConfigDocument& document) {
  ordered_json origins = ordered_json::object();
  for (const std::string& pointer : document.Pointers()) {
    origins[pointer] = document.Origin(pointer);
  }
  const ordered_json whole = {{"file", document.file()},
                              {"config", ordered_json::parse(document.ToJson())},
                              {"origins", std::move(origins)}};
  return whole.dump();
}

std::string ChangesToJson(const std::string& file,
                          const std::vector<client::ConfigChange>& changes) {
  ordered_json list = ordered_json::object();
  for (const client::ConfigChange& change : changes) {
    list[change.pointer] = change.live ? "live" : "restart";
  }
  return ordered_json{{"file", file}, {"changes", std::move(list)}}.dump();
}

}  // namespace larder::tools
