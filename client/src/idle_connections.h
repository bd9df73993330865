// IdleConnections: closes what a credential travelled on once it has not been used for a while, so
// that the connections of a secret that was replaced go also where no further request comes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "larder/options.h"

namespace larder::client {

// What can be closed. Used on the io_context's thread only.
class ClosedWhenIdle {
 public:
  // False: there is nothing left that could be closed; it is not asked again. Called every
  // `interval`; closes what was not used since the call before.
  virtual bool CloseIfIdle() = 0;

 protected:
  ~ClosedWhenIdle() = default;
};

// One for each io_context, made at first use by Of(). Its timer keeps io_context::run() from
// returning as long as something is open and Stop() was not called.
class IdleConnections final : public boost::asio::io_context::service {
 public:
  static boost::asio::io_context::id id;

  static IdleConnections& Of(boost::asio::io_context& io);
  explicit IdleConnections(boost::asio::io_context& io);

  void Watch(std::weak_ptr<ClosedWhenIdle> connections);
  // Nothing is watched any more: the io_context is about to end, and all goes with it.
  void Stop();
  void SetInterval(Duration interval) { interval_ = interval; }

 private:
  void shutdown() override { Stop(); }
  void Wait();
  void Sweep();

  boost::asio::steady_timer timer_;
  Duration interval_;
  std::vector<std::weak_ptr<ClosedWhenIdle>> watched_;
  bool waiting_ = false;
  bool stopped_ = false;
};

}  // namespace larder::client
