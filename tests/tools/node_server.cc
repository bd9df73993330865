#include "node_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace larder::testing {

NodeServer::NodeServer(const std::string& script, const std::string& folder) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipes");
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execlp("node", "node", script.c_str(), folder.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_ = in[1];
  char byte = 0;
  while (::read(out[0], &byte, 1) == 1 && byte != '\n') url_ += byte;
  ::close(out[0]);
  if (url_.empty()) throw std::runtime_error(script + " did not start: run scripts/setup");
}

NodeServer::~NodeServer() {
  ::close(stdin_);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace larder::testing
