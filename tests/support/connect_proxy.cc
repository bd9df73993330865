#include "connect_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

namespace larder::testing {
namespace {

// The port in "host:port", on loopback; below 0 where nobody listens.
int Dial(const std::string& target) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(target.substr(target.rfind(':') + 1))));
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return socket;
  ::close(socket);
  return -1;
}

}  // namespace

ConnectProxy::ConnectProxy(int refusal)
    : refusal_(refusal), server_([this](UpstreamExchange& exchange) { Serve(exchange); }) {}

std::vector<std::string> ConnectProxy::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::string ConnectProxy::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void ConnectProxy::Serve(UpstreamExchange& exchange) {
  {
    const std::lock_guard lock(mutex_);
    seen_ += exchange.head + "\r\n" + exchange.body;
    if (exchange.method == "CONNECT") asked_.push_back(exchange.target);
  }
  const bool is_tunnel = exchange.method == "CONNECT";
  const int refusal = is_tunnel ? refusal_ : 405;
  if (refusal != 0) return exchange.Answer(refusal, "text/plain", "no way");
  const int upstream = Dial(exchange.target);
  if (upstream < 0) return exchange.Answer(502, "text/plain", "nobody there");
  if (exchange.Send("HTTP/1.1 200 Connection established\r\n\r\n")) {
    Relay(exchange.socket(), upstream);
  }
  ::close(upstream);
  exchange.Close();
}

// Until either side ends.
void ConnectProxy::Relay(int client, int upstream) {
  pollfd both[] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
  while (::poll(both, 2, -1) > 0 || errno == EINTR) {
    if (both[0].revents != 0 && !Pass(client, upstream, /*from_client=*/true)) return;
    if (both[1].revents != 0 && !Pass(upstream, client, /*from_client=*/false)) return;
  }
}

bool ConnectProxy::Pass(int from, int to, bool from_client) {
  char bytes[16384];
  const ssize_t count = ::recv(from, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  std::string_view rest(bytes, static_cast<std::size_t>(count));
  if (from_client) {
    const std::lock_guard lock(mutex_);
    seen_ += rest;
  }
  while (!rest.empty()) {
    const ssize_t sent = ::send(to, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace larder::testing
