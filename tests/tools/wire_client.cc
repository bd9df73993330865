#include "wire_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace larder::testing {
namespace {

constexpr int kPatienceSeconds = 60;

// "http://127.0.0.1:8080" -> 8080
std::uint16_t PortOf(std::string_view url) {
  return static_cast<std::uint16_t>(std::stoi(std::string(url.substr(url.rfind(':') + 1))));
}

}  // namespace

WireClient::WireClient(std::string_view url, int receive_buffer, const char* from) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  }
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &address.sin_addr);
  ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  address.sin_port = htons(PortOf(url));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("cannot connect to " + std::string(url));
  }
}

WireClient::WireClient(WireClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      input_(std::move(other.input_)),
      reset_(other.reset_) {}

WireClient& WireClient::operator=(WireClient&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(input_, other.input_);
  std::swap(reset_, other.reset_);
  return *this;
}

WireClient::~WireClient() { Close(); }

void WireClient::Close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void WireClient::CloseSending() { ::shutdown(socket_, SHUT_WR); }

bool WireClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool WireClient::SendRequest(std::string_view method, std::string_view target,
                             std::string_view body, const client::Headers& headers) {
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  if (!headers.Has("host")) request += "host: gateway\r\n";
  for (const client::Header& field : headers) request += field.name + ": " + field.value + "\r\n";
  if (!body.empty()) request += "content-length: " + std::to_string(body.size()) + "\r\n";
  return Send(request + "\r\n" + std::string(body));
}

bool WireClient::Fill() {
  char bytes[65536];
  const ssize_t count = ::recv(socket_, bytes, sizeof(bytes), 0);
  if (count <= 0) {
    reset_ = count < 0 && errno == ECONNRESET;
    return false;
  }
  input_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::optional<std::string> WireClient::Line() {
  std::size_t end = 0;
  while ((end = input_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return std::nullopt;
  }
  std::string line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return line;
}

WireAnswer WireClient::ReadHead() {
  WireAnswer answer;
  do {
    answer = {};
    std::optional<std::string> line = Line();
    if (!line) {
      answer.reset = reset_;
      return answer;
    }
    if (line->size() < 12) throw std::runtime_error("not a status line: " + *line);
    answer.status = std::stoi(line->substr(9, 3));
    while ((line = Line()) && !line->empty()) {
      const std::size_t colon = line->find(": ");
      answer.headers.Add(line->substr(0, colon), line->substr(colon + 2));
    }
  } while (answer.status == 100);
  return answer;
}

// One chunk, or what is there of another body. False at its end.
bool WireClient::ReadPiece(WireAnswer& answer) {
  if (answer.headers.Has("transfer-encoding")) {
    const std::optional<std::string> size_line = Line();
    if (!size_line) return false;
    const std::size_t size = std::stoul(*size_line, nullptr, 16);
    while (input_.size() < size + 2) {
      if (!Fill()) return false;
    }
    if (size == 0)
      answer.whole = true;
    else
      answer.chunks.push_back(input_.substr(0, size));
    answer.body += input_.substr(0, size);
    input_.erase(0, size + 2);
    return size != 0;
  }
  const bool has_length = answer.headers.Has("content-length");
  const std::size_t left = has_length
                               ? std::stoul(answer.header("content-length")) - answer.body.size()
                               : std::string::npos;
  if (left == 0) {
    answer.whole = true;
    return false;
  }
  if (input_.empty() && !Fill()) {
    answer.whole = !has_length && !reset_;
    return false;
  }
  const std::string piece = input_.substr(0, left);
  answer.body += piece;
  input_.erase(0, piece.size());
  return true;
}

bool WireClient::ReadUntil(WireAnswer& answer, std::string_view text) {
  while (answer.body.find(text) == std::string::npos) {
    if (!ReadPiece(answer)) return answer.body.find(text) != std::string::npos;
  }
  return true;
}

void WireClient::ReadRest(WireAnswer& answer) {
  while (ReadPiece(answer)) {
  }
  answer.reset = reset_;
}

WireAnswer WireClient::Read(bool head_only) {
  WireAnswer answer = ReadHead();
  if (answer.status == 0) return answer;
  if (head_only || answer.status == 204 || answer.status == 304) {
    answer.whole = true;
    return answer;
  }
  ReadRest(answer);
  return answer;
}

std::string WireClient::ReadBytes(std::size_t count) {
  while (input_.size() < count && Fill()) {
  }
  std::string bytes = input_.substr(0, count);
  input_.erase(0, bytes.size());
  return bytes;
}

std::string WireClient::ReadToEnd() {
  while (Fill()) {
  }
  return std::exchange(input_, {});
}

bool WireClient::IsClosed() { return input_.empty() && !Fill(); }

WireAnswer WireClient::Ask(std::string_view method, std::string_view target, std::string_view body,
                           const client::Headers& headers) {
  SendRequest(method, target, body, headers);
  return Read(method == "HEAD");
}

WireAnswer Ask(std::string_view url, std::string_view method, std::string_view target,
               std::string_view body, const client::Headers& headers) {
  WireClient caller(url);
  return caller.Ask(method, target, body, headers);
}

}  // namespace larder::testing
