// HttpListener: the listening socket; hands new connections to the workers in turn.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http_worker.h"
#include "larder/result.h"

namespace larder::gateway {

// Used on the thread of `io`. One socket, not one for each thread by SO_REUSEPORT: with that a
// second gateway on the same port would start without a word.
class HttpListener {
 public:
  // Takes the port; callers wait in the backlog until Start. `host` is an address or "localhost";
  // port 0 = any. Errors: kUnavailable (port in use), kInvalidArgument (not an address, or not one
  // of this machine), kInternal (not allowed, or anything else).
  static Result<std::unique_ptr<HttpListener>> Bind(boost::asio::io_context& io,
                                                    const std::string& host, std::uint16_t port);

  // Takes over a TCP socket that listens already. Errors: kInvalidArgument (it is none).
  static Result<std::unique_ptr<HttpListener>> Adopt(boost::asio::io_context& io, int socket);

  // "http://127.0.0.1:8080"
  std::string url() const;
  // Whether only processes of this machine reach it.
  bool is_loopback() const;

  // Beyond `max_connections` in all, or what `clients` admits of one (null = any number), a caller
  // is turned away with a 503. `log` is told of trouble, once
  // an episode, `on_turned_away` of each such caller. The workers must outlive the listener.
  struct Plan {
    std::vector<HttpWorker*> workers;
    std::size_t max_connections = 0;
    ClientConnections* clients = nullptr;  // must outlive the workers
    std::function<void(const std::string&)> log;
    std::function<void()> on_turned_away = [] {};
  };
  void Start(Plan plan);
  void Stop();

 private:
  explicit HttpListener(boost::asio::io_context& io) : acceptor_(io), pause_(io) {}

  void Accept();
  void AcceptAfterPause(const std::string& why);
  void Welcome(boost::asio::ip::tcp::socket socket, HttpWorker& worker);
  void TurnAway(boost::asio::ip::tcp::socket socket, HttpWorker& worker, const char* why);
  bool Full() const;

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  Plan plan_;
  std::size_t next_ = 0;
  bool in_trouble_ = false;
};

}  // namespace larder::gateway
