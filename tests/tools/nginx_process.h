// NginxProcess: Debian's nginx as a child of the test, in front of something on loopback.
#pragma once

#include <sys/types.h>

#include <string>

namespace larder::testing {

class NginxProcess {
 public:
  // nginx's program; empty if it is not installed.
  static std::string Program();

  // Takes a free port of 127.0.0.1, on which callers may connect at once: nginx gets the socket.
  NginxProcess();
  // Ends it.
  ~NginxProcess();
  NginxProcess(const NginxProcess&) = delete;
  NginxProcess& operator=(const NginxProcess&) = delete;

  int port() const { return port_; }
  // Starts it in `folder`, where it writes; `http`: what stands in the section of that name, with a
  // server that listens on this address and port.
  void Start(const std::string& folder, const std::string& http);
  // What it has to complain of.
  std::string ErrorText() const;

 private:
  int socket_ = -1;
  int port_ = 0;
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace larder::testing
