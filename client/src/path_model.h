// The model that the path of a request names, as Azure has it:
// /openai/deployments/NAME/chat/completions. What the body says beside it is not looked at there.
#pragma once

#include <string>
#include <string_view>

namespace larder::client {

struct PathModel {
  std::string name;  // decoded; empty: the path names none
  // It names one, but servers may differ on which: two of them, dot segments, slashes in a name.
  bool is_doubtful = false;
};

// `path` without query.
PathModel ModelInPath(std::string_view path);

}  // namespace larder::client
