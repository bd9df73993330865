// ConnectProxy: a proxy on loopback that opens tunnels, or refuses to, and keeps all that it sees.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "fake_upstream.h"

namespace larder::testing {

// Whatever host a tunnel is asked for, it leads to the port of that number on loopback.
// Thread-safe.
class ConnectProxy {
 public:
  // Answers every CONNECT with the status `refusal`, if it is not 0.
  explicit ConnectProxy(int refusal = 0);

  // "http://127.0.0.1:PORT"
  std::string base_url() const { return server_.base_url(); }
  // What tunnels were asked for, such as "api.example.com:443".
  std::vector<std::string> asked() const;
  // Every byte that came from clients: the requests to the proxy, and what went through tunnels.
  std::string seen() const;

 private:
  void Serve(UpstreamExchange& exchange);
  void Relay(int client, int upstream);
  bool Pass(int from, int to, bool from_client);

  const int refusal_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;  // guarded by mutex_
  std::string seen_;                // guarded by mutex_
  FakeUpstream server_;             // goes first: its threads use the rest
};

}  // namespace larder::testing
