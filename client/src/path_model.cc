#include "path_model.h"

#include <algorithm>

#include "larder/client/message.h"
#include "percent_encoding.h"

namespace larder::client {
namespace {

// Takes the next segment off `path`. Empty ones are passed over, as servers do.
std::string_view NextSegment(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool HasHiddenSlash(std::string_view path, std::string_view decoded) {
  return decoded.find('\\') != decoded.npos || std::count(path.begin(), path.end(), '/') !=
                                                   std::count(decoded.begin(), decoded.end(), '/');
}

}  // namespace

PathModel ModelInPath(std::string_view path) {
  PathModel model;
  const std::string decoded = PercentDecoded(path);
  model.is_doubtful = HasHiddenSlash(path, decoded);
  std::string_view rest = decoded;
  for (std::string_view segment = NextSegment(rest); !segment.empty();
       segment = NextSegment(rest)) {
    if (segment == "." || segment == "..") model.is_doubtful = true;
    if (!EqualsIgnoreCase(segment, "deployments")) continue;
    std::string_view after = rest;
    const std::string_view name = NextSegment(after);
    if (!model.name.empty()) model.is_doubtful = true;
    if (!name.empty()) model.name = name;
  }
  if (model.name.empty()) model.is_doubtful = false;
  return model;
}

}  // namespace larder::client
