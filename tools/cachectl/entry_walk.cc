#include "entry_walk.h"

#include <utility>

namespace larder::cachectl {

using nlohmann::ordered_json;

Result<std::uint64_t> WalkEntries(CacheAccess& cache, admin::AdminRequest request,
                                  const std::function<bool(ordered_json)>& visit) {
  std::uint64_t corrupt = 0;
  while (true) {
    const Result<std::string> text = cache.Call(request);
    if (!text.ok()) return text.status();
    ordered_json page = ordered_json::parse(*text);
    corrupt += page["corrupt"].get<std::uint64_t>();
    for (ordered_json& entry : page["entries"]) {
      if (!visit(std::move(entry))) return corrupt;
    }
    if (page["cursor"].is_null()) return corrupt;
    request.query.erase("cursor");
    request.query.emplace("cursor", page["cursor"].get<std::string>());
  }
}

}  // namespace larder::cachectl
