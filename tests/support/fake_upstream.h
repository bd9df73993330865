// FakeUpstream: a server on loopback whose every byte a test scripts, to misbehave as real ones do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace larder::testing {

// One request, and the connection to answer it on. Used by one handler on one thread.
class UpstreamExchange {
 public:
  std::string method;
  std::string target;
  std::string head;  // request line and header fields, as received
  std::string body;
  int number = 0;      // of the request, from 0, over all connections
  int connection = 0;  // of the connection, from 0

  // The value of a request header field, or "".
  std::string header(std::string_view name) const;

  // Sends bytes as they are. False once the client is gone.
  bool Send(std::string_view bytes);
  // A whole answer with a length.
  void Answer(int status, std::string_view content_type, std::string_view body_text,
              std::string_view more_fields = "");
  // A head for a chunked body, its chunks and its end.
  void BeginChunks(int status, std::string_view content_type, std::string_view more_fields = "");
  bool Chunk(std::string_view bytes);
  void EndChunks();

  // Ends the connection: in order, or with a reset.
  void Close();
  void Reset();
  // Blocks until the client has closed the connection; what it sends meanwhile is dropped.
  void WaitForHangUp();
  // For who goes on in another protocol. Stays open until the handler is done.
  int socket() const { return socket_; }

 private:
  friend class FakeUpstream;
  int socket_ = -1;
  bool closed_ = false;
};

// Thread-safe. Handlers run on one thread for each connection and may block; a test must let them
// go before this is destroyed. Connections are kept until the handler or the client ends them.
class FakeUpstream {
 public:
  using Handler = std::function<void(UpstreamExchange&)>;

  // `port`: 0 = any free one. Throws std::runtime_error if it is taken.
  explicit FakeUpstream(Handler handler, int port = 0);
  ~FakeUpstream();
  FakeUpstream(const FakeUpstream&) = delete;
  FakeUpstream& operator=(const FakeUpstream&) = delete;

  // "http://127.0.0.1:PORT"
  std::string base_url() const;
  int port() const { return port_; }
  int requests() const { return requests_; }
  int connections() const { return connections_; }
  // Waits until that many connections have ended; false after a minute.
  bool WaitForClosed(int count);

 private:
  struct Connection {
    int socket = -1;
    std::thread thread;
    bool is_over = false;
  };

  void AcceptLoop();
  // Of what is over: joins, closes and forgets it. `mutex_` is held.
  void Tidy();
  void Serve(int socket, int number);
  bool ReadRequest(int socket, std::string& buffer, UpstreamExchange& exchange) const;

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::list<Connection> open_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  int closed_ = 0;              // guarded by mutex_
  std::condition_variable closing_;
  std::thread acceptor_;
};

}  // namespace larder::testing
