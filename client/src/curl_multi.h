// CurlMulti: libcurl's multi handle driven by an io_context (libcurl's "multi_socket" interface).
//
// libcurl tells us which sockets to watch and when to wake it; we tell it what became ready. So
// any number of transfers share the one thread that runs the io_context, and its connections.
#pragma once

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

#include "curl_leftover.h"
#include "larder/status.h"

namespace larder::client {

// What a handle's CURLOPT_PRIVATE points at.
class CurlCompletion {
 public:
  // The transfer is over. The handle may be destroyed afterwards, not from within.
  virtual void OnDone(CURLcode code) = 0;

 protected:
  ~CurlCompletion() = default;
};

// One for each io_context, made at first use by CurlMulti::Of(). As a service of the io_context it
// goes after all coroutines that hold transfers. Used on the io_context's thread only.
class CurlMulti final : public boost::asio::io_context::service {
 public:
  static boost::asio::io_context::id id;

  static CurlMulti& Of(boost::asio::io_context& io);
  explicit CurlMulti(boost::asio::io_context& io);
  ~CurlMulti() override;

  // Starts the transfer; its callbacks, and OnDone, run from the io_context, never from here.
  Status Add(CURL* easy);
  // Ends it at once, wherever it is. OnDone is not called.
  void Remove(CURL* easy);
  KeptSockets& kept() { return kept_; }

 private:
  // A socket that libcurl wants to hear of. The socket itself is libcurl's.
  struct Watch {
    explicit Watch(boost::asio::io_context& io) : descriptor(io) {}
    boost::asio::posix::stream_descriptor descriptor;
    curl_socket_t socket = CURL_SOCKET_BAD;
    int wanted = CURL_POLL_NONE;
    bool reading = false;  // a wait is under way
    bool writing = false;
    bool closed = false;
  };

  void shutdown() override;
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused);
  static int OnTimer(CURLM* multi, long timeout_ms, void* self);
  void Update(curl_socket_t socket, int what);
  void Arm(const std::shared_ptr<Watch>& watch);
  void Wait(const std::shared_ptr<Watch>& watch, int direction, bool Watch::*armed);
  void Act(curl_socket_t socket, int events);

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  CURLM* multi_ = nullptr;
  std::map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  KeptSockets kept_;
  bool shut_down_ = false;
};

}  // namespace larder::client
