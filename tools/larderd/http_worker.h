// HttpWorker: one io_context, one thread, and the connections that live there.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "client_connections.h"
#include "connection.h"
#include "exchange.h"
#include "http_session.h"
#include "server_limits.h"

namespace larder::gateway {

class HttpWorker {
 public:
  // `limits` must outlive the worker.
  explicit HttpWorker(const ServerLimits& limits);
  // The thread must have ended.
  ~HttpWorker();

  boost::asio::io_context& io() { return io_; }

  // Starts the thread. `handler` works on io(), and must outlive it.
  void Start(Handler& handler);

  // Thread-safe, from here on. `ticket`, which may be null, goes when the connection has ended.
  using TicketPtr = std::unique_ptr<ClientConnections::Ticket>;
  void Adopt(boost::asio::ip::tcp::socket socket, TicketPtr ticket = nullptr);
  // Of a caller that was turned away and has its answer: reads for a while what it still sends, for
  // a socket that is closed on unread bytes resets the connection, and the answer may be lost.
  void SeeOff(boost::asio::ip::tcp::socket socket);
  // Takes no further requests. The thread ends when the last answer is out and nothing else, such
  // as a flight that others wait for, is left to do.
  void Drain();
  // Ends all connections where they are; the thread ends soon after.
  void Abort();
  // Waits until the thread has ended; false if it takes longer than `timeout`.
  bool WaitForEnd(Duration timeout);

  std::size_t connections() const { return connections_; }

 private:
  struct Visitor {
    TicketPtr ticket;
    std::unique_ptr<HttpSession> session;
  };
  using Visitors = std::list<Visitor>;

  void Serve(boost::asio::ip::tcp::socket socket, TicketPtr ticket);
  void End(Visitors::iterator visitor);
  void Tick();
  // Finds callers that hung up while their requests are worked on.
  void FindHangUps();

  const ServerLimits& limits_;
  std::atomic<std::size_t> connections_ = 0;
  std::atomic<int> leaving_count_ = 0;

  // On the thread only.
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer tick_;
  std::vector<char> scratch_;
  Visitors visitors_;
  std::list<Connection> leaving_;  // of callers that were turned away
  Handler* handler_ = nullptr;
  bool draining_ = false;

  std::thread thread_;
  std::promise<void> ended_;
  std::future<void> end_ = ended_.get_future();
};

}  // namespace larder::gateway
