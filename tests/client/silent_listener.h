// SilentListener: a socket on loopback that takes connections and then neither reads nor writes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace larder::testing {

class SilentListener {
 public:
  // `backlog`: how many connections it takes, about; further ones hang in connecting.
  explicit SilentListener(int backlog = 16) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address_);
    socklen_t length = sizeof address_;
    ::bind(listener_, generic, length);
    ::listen(listener_, backlog);
    ::getsockname(listener_, generic, &length);
  }
  ~SilentListener() { ::close(listener_); }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;

  const sockaddr_in& address() const { return address_; }
  // "127.0.0.1:PORT"
  std::string authority() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  int listener_ = -1;
  sockaddr_in address_{};
};

}  // namespace larder::testing
