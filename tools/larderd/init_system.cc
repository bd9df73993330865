#include "init_system.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace larder::gateway {
namespace {

// sd_listen_fds(3): the first descriptor that is handed over.
constexpr int kFirstSocket = 3;

std::string Take(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::optional<long long> Number(const std::string& text) {
  long long number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

InitSystem InitSystem::FromEnvironment() {
  InitSystem manager;
  manager.notify_socket_ = Take("NOTIFY_SOCKET");
  const std::string watched = Take("WATCHDOG_PID");
  const std::optional<long long> interval = Number(Take("WATCHDOG_USEC"));
  const bool ours = watched.empty() || Number(watched) == ::getpid();
  if (interval && *interval > 0 && ours) manager.watchdog_ = std::chrono::microseconds(*interval);
  const std::optional<long long> listener = Number(Take("LISTEN_PID"));
  const std::optional<long long> sockets = Number(Take("LISTEN_FDS"));
  ::unsetenv("LISTEN_FDNAMES");
  if (listener == ::getpid() && sockets && *sockets >= 1) {
    ::fcntl(kFirstSocket, F_SETFD, FD_CLOEXEC);
    manager.socket_ = kFirstSocket;
  }
  return manager;
}

void InitSystem::Notify(std::string_view state) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (notify_socket_.empty() || notify_socket_.size() >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int sender = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sender < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
  static_cast<void>(::sendto(sender, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), size));
  ::close(sender);
}

}  // namespace larder::gateway
