// What came unasked on a kept connection: it would be taken for the answer to the next request.
#pragma once

#include <curl/curl.h>

#include <string>
#include <unordered_map>

namespace larder::client {

// Addresses and ports of both ends, which tell a connection from all others.
std::string ConnectionEnds(const char* local_ip, int local_port, const char* peer_ip,
                           int peer_port);

// The sockets of connections that may be used again. libcurl tells the socket only at the end of a
// transfer, when it is too early to look. Used on one thread.
class KeptSockets {
 public:
  // `easy` is done, and its connection may be kept.
  void Note(CURL* easy, const std::string& ends);
  // Whether the connection that `easy` is about to send its request on was used before, and there
  // is something to be read on it, or its end: an answer too many, the rest of one that was longer
  // than its length, a farewell. To be asked from CURLOPT_PREREQFUNCTION.
  bool HasLeftover(CURL* easy, const std::string& ends) const;

 private:
  bool HasSocketInput(const std::string& ends) const;

  std::unordered_map<std::string, curl_socket_t> sockets_;    // by ends
  std::unordered_map<curl_socket_t, std::string> latest_of_;  // so that there is one of each socket
};

}  // namespace larder::client
