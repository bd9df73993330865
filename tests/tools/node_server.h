// NodeServer: a server written by others, as a child, on a port of its own; scripts/setup installs
// them.
#pragma once

#include <sys/types.h>

#include <string>

namespace larder::testing {

class NodeServer {
 public:
  // `node SCRIPT FOLDER`, which prints its address on the first line and ends with its stdin.
  NodeServer(const std::string& script, const std::string& folder);
  ~NodeServer();
  NodeServer(const NodeServer&) = delete;
  NodeServer& operator=(const NodeServer&) = delete;

  const std::string& url() const { return url_; }

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
  std::string url_;
};

}  // namespace larder::testing
