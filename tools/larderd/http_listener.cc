#include "http_listener.h"

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
std::string FullAnswer() {
  const std::string body =
      R"({"error":{"message":"too many connections","type":"server_error","param":null,)"
      R"("code":null}})";
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

std::string HttpListener::url() const {
  error_code ignored;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(ignored);
  const std::string address = endpoint.address().to_string();
  return "http://" + (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port());
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
    const bool full = !error && Full();
    if (full) {
      error_code ignored;
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(FullAnswer()), ignored);
      if (!std::exchange(in_trouble_, true)) plan_.log("too many connections");
    } else if (!error) {
      in_trouble_ = false;
      next_ = (next_ + 1) % plan_.workers.size();
      worker.Adopt(std::move(socket));
    }
    Accept();
  });
}

void HttpListener::AcceptAfterPause(const std::string& why) {
  if (!std::exchange(in_trouble_, true)) plan_.log("cannot accept connections: " + why);
  pause_.expires_after(kPause);
  pause_.async_wait([this](const error_code& error) {
    if (!error && acceptor_.is_open()) Accept();
  });
}

}  // namespace larder::gateway
