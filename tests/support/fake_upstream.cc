#include "fake_upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace larder::testing {
namespace {

bool ReceiveMore(int socket, std::string& buffer) {
  char bytes[16384];
  const ssize_t count = ::recv(socket, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

std::string UpstreamExchange::header(std::string_view name) const {
  const std::size_t field = Lower(head).find("\r\n" + Lower(name) + ":");
  if (field == std::string::npos) return "";
  const std::size_t from = head.find(':', field) + 1;
  const std::size_t first = head.find_first_not_of(' ', from);
  return head.substr(first, head.find("\r\n", from) - first);
}

bool UpstreamExchange::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void UpstreamExchange::Answer(int status, std::string_view content_type, std::string_view body_text,
                              std::string_view more_fields) {
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " Status\r\ncontent-type: ";
  answer.append(content_type).append("\r\n").append(more_fields);
  answer += "content-length: " + std::to_string(body_text.size()) + "\r\n\r\n";
  Send(answer.append(body_text));
}

void UpstreamExchange::BeginChunks(int status, std::string_view content_type,
                                   std::string_view more_fields) {
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " Status\r\ncontent-type: ";
  answer.append(content_type).append("\r\n").append(more_fields);
  Send(answer.append("transfer-encoding: chunked\r\n\r\n"));
}

bool UpstreamExchange::Chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return Send(std::string(size).append(bytes).append("\r\n"));
}

void UpstreamExchange::EndChunks() { Send("0\r\n\r\n"); }

void UpstreamExchange::Close() {
  ::shutdown(socket_, SHUT_RDWR);
  closed_ = true;
}

void UpstreamExchange::Reset() {
  const linger now{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  closed_ = true;  // the close that follows sends the reset
}

void UpstreamExchange::WaitForHangUp() {
  std::string dropped;
  while (ReceiveMore(socket_, dropped)) dropped.clear();
  closed_ = true;
}

FakeUpstream::FakeUpstream(Handler handler, int port) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, generic, &length) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { AcceptLoop(); });
}

FakeUpstream::~FakeUpstream() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const Connection& connection : open_) ::shutdown(connection.socket, SHUT_RDWR);
  }
  acceptor_.join();
  for (Connection& connection : open_) {
    connection.thread.join();
    ::close(connection.socket);
  }
  ::close(listener_);
}

std::string FakeUpstream::base_url() const { return "http://127.0.0.1:" + std::to_string(port_); }

bool FakeUpstream::WaitForClosed(int count) {
  std::unique_lock lock(mutex_);
  return closing_.wait_for(lock, std::chrono::minutes(1), [&] { return closed_ >= count; });
}

void FakeUpstream::AcceptLoop() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(socket);
      return;
    }
    Tidy();
    const int number = connections_++;
    Connection& connection = open_.emplace_back();
    connection.socket = socket;
    connection.thread = std::thread([this, &connection, number] {
      Serve(connection.socket, number);
      const std::lock_guard ending(mutex_);
      connection.is_over = true;
    });
  }
}

void FakeUpstream::Tidy() {
  open_.remove_if([](Connection& connection) {
    if (!connection.is_over) return false;
    connection.thread.join();  // does nothing more
    ::close(connection.socket);
    return true;
  });
}

// The socket is shut down here and closed by Tidy or the destructor, so that its number is not
// given to another connection while the destructor may still shut it down.
void FakeUpstream::Serve(int socket, int number) {
  std::string buffer;
  UpstreamExchange exchange;
  while (!exchange.closed_) {
    exchange = UpstreamExchange{};
    exchange.socket_ = socket;
    exchange.connection = number;
    if (!ReadRequest(socket, buffer, exchange)) break;
    exchange.number = requests_++;
    handler_(exchange);
  }
  {
    const std::lock_guard lock(mutex_);
    ++closed_;
    closing_.notify_all();
  }
  linger reset{};
  socklen_t length = sizeof reset;
  ::getsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, &length);
  if (reset.l_onoff == 0) {
    ::shutdown(socket, SHUT_RDWR);
    return;
  }
  // Disconnecting sends the reset and leaves the number in use.
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  ::connect(socket, &none, sizeof none);
}

bool FakeUpstream::ReadRequest(int socket, std::string& buffer, UpstreamExchange& exchange) const {
  std::size_t end = std::string::npos;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!ReceiveMore(socket, buffer)) return false;
  }
  exchange.head = buffer.substr(0, end + 2);
  const std::size_t first = exchange.head.find(' ');
  const std::size_t second = exchange.head.find(' ', first + 1);
  exchange.method = exchange.head.substr(0, first);
  exchange.target = exchange.head.substr(first + 1, second - first - 1);
  const std::string length = exchange.header("content-length");
  const std::size_t bytes = length.empty() ? 0 : std::stoul(length);
  while (buffer.size() < end + 4 + bytes) {
    if (!ReceiveMore(socket, buffer)) return false;
  }
  exchange.body = buffer.substr(end + 4, bytes);
  buffer.erase(0, end + 4 + bytes);
  return true;
}

}  // namespace larder::testing
