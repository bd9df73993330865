// TlsUpstream: a server on loopback that speaks TLS and tells what it saw of its client.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "test_certificates.h"

namespace larder::testing {

struct TlsUpstreamOptions {
  Certified identity;
  std::string chain = {};          // PEM; sent besides
  int most_version = 0;            // such as TLS1_1_VERSION; 0 = any
  std::string client_issuer = {};  // PEM; clients must have a certificate of it; empty = need none
  std::size_t answer_bytes = 0;    // what an answer is filled up to, its head included
  std::string leftover = {};       // sent with each answer, in one piece
};

// Each request is answered by "sni=NAME host=FIELD authorization=FIELD client=SUBJECT\n".
// Thread-safe.
class TlsUpstream {
 public:
  explicit TlsUpstream(const TlsUpstreamOptions& options);
  ~TlsUpstream();
  TlsUpstream(const TlsUpstream&) = delete;
  TlsUpstream& operator=(const TlsUpstream&) = delete;

  int port() const { return port_; }
  // "https://localhost:PORT"
  std::string base_url() const { return "https://localhost:" + std::to_string(port_); }
  // Connections on which TLS came about.
  int connections() const;
  // Waits until that many of them are closed; false after a minute.
  bool WaitForClosed(int count);

 private:
  struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  void AcceptLoop();
  void Serve(int socket);
  void Talk(SSL* ssl) const;

  const std::size_t answer_bytes_;
  const std::string leftover_;
  std::unique_ptr<SSL_CTX, ContextDeleter> context_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<int> sockets_;          // guarded by mutex_
  std::list<std::thread> threads_;  // guarded by mutex_
  int connections_ = 0;             // guarded by mutex_
  int closed_ = 0;                  // guarded by mutex_
  bool stopping_ = false;           // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace larder::testing
