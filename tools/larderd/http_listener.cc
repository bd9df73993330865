#include "http_listener.h"

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <utility>

namespace larder::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Without descriptors or memory accept() fails at once, again and again.
constexpr auto kPause = std::chrono::milliseconds(100);

// Overload is no final answer: callers may try again.
std::string FullAnswer(const std::string& why) {
  const std::string body =
      R"({"error":{"message":")" + why + R"(","type":"server_error","param":null,"code":null}})";
  return "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1"
         "\r\nconnection: close\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

Status BindError(const error_code& error, const tcp::endpoint& endpoint) {
  const std::string where =
      endpoint.address().to_string() + " port " + std::to_string(endpoint.port());
  if (error == asio::error::address_in_use) {
    return {StatusCode::kUnavailable, "cannot listen on " + where + ": the port is in use"};
  }
  const bool foreign = error == boost::system::errc::address_not_available;
  return {foreign ? StatusCode::kInvalidArgument : StatusCode::kInternal,
          "cannot listen on " + where + ": " + error.message()};
}

}  // namespace

Result<std::unique_ptr<HttpListener>> HttpListener::Bind(asio::io_context& io,
                                                         const std::string& host,
                                                         std::uint16_t port) {
  error_code error;
  const asio::ip::address address =
      asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) {
    return Status(StatusCode::kInvalidArgument,
                  "gateway.listen: `" + host + "` is not an IP address or localhost");
  }
  const tcp::endpoint endpoint(address, port);
  std::unique_ptr<HttpListener> listener(new HttpListener(io));
  tcp::acceptor& acceptor = listener->acceptor_;
  acceptor.open(endpoint.protocol(), error);
  // So that a restart does not wait for old connections to time out; a port that somebody listens
  // on is refused all the same.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  // A bound port without a listener can still be bound by others: the backlog takes it.
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return BindError(error, endpoint);
  return listener;
}

Result<std::unique_ptr<HttpListener>> HttpListener::Adopt(asio::io_context& io, int socket) {
  const Status none(StatusCode::kInvalidArgument,
                    "the socket handed over is not a TCP socket that listens");
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  int listens = 0;
  socklen_t length = sizeof(listens);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) {
    return none;
  }
  const bool v6 = address.ss_family == AF_INET6;
  if (!v6 && address.ss_family != AF_INET) return none;
  std::unique_ptr<HttpListener> listener(new HttpListener(io));
  error_code error;
  listener->acceptor_.assign(v6 ? tcp::v6() : tcp::v4(), socket, error);
  if (error) return none;
  return listener;
}

std::string HttpListener::url() const {
  error_code ignored;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(ignored);
  const std::string address = endpoint.address().to_string();
  return "http://" + (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port());
}

bool HttpListener::is_loopback() const {
  error_code ignored;
  return acceptor_.local_endpoint(ignored).address().is_loopback();
}

void HttpListener::Start(Plan plan) {
  plan_ = std::move(plan);
  Accept();
}

void HttpListener::Stop() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

bool HttpListener::Full() const {
  std::size_t open = 0;
  for (const HttpWorker* worker : plan_.workers) open += worker->connections();
  return open >= plan_.max_connections;
}

void HttpListener::Accept() {
  HttpWorker& worker = *plan_.workers[next_];
  acceptor_.async_accept(worker.io(), [this, &worker](const error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (error && error != asio::error::connection_aborted) {
      AcceptAfterPause(error.message());
      return;
    }
    if (!error) Welcome(std::move(socket), worker);
    Accept();
  });
}

void HttpListener::Welcome(tcp::socket socket, HttpWorker& worker) {
  if (Full()) return TurnAway(std::move(socket), worker, "too many connections");
  std::unique_ptr<ClientConnections::Ticket> ticket;
  if (plan_.clients != nullptr) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    ticket = plan_.clients->Admit(peer.address());
    if (ticket == nullptr) {
      return TurnAway(std::move(socket), worker, "too many connections of one client");
    }
  }
  in_trouble_ = false;
  next_ = (next_ + 1) % plan_.workers.size();
  worker.Adopt(std::move(socket), std::move(ticket));
}

void HttpListener::TurnAway(tcp::socket socket, HttpWorker& worker, const char* why) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(FullAnswer(why)), ignored);
  worker.SeeOff(std::move(socket));
  plan_.on_turned_away();
  if (!std::exchange(in_trouble_, true)) plan_.log(why);
}

void HttpListener::AcceptAfterPause(const std::string& why) {
  if (!std::exchange(in_trouble_, true)) plan_.log("cannot accept connections: " + why);
  pause_.expires_after(kPause);
  pause_.async_wait([this](const error_code& error) {
    if (!error && acceptor_.is_open()) Accept();
  });
}

}  // namespace larder::gateway
