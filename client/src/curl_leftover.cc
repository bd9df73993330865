#include "curl_leftover.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

namespace larder::client {
namespace {

bool WasUsedBefore(CURL* easy) {
  long opened = 0;
  return curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened) == CURLE_OK && opened == 0;
}

// Taken from the socket already, and not yet from OpenSSL.
bool HasTlsInput(CURL* easy) {
  curl_tlssessioninfo* session = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK) return false;
  if (session == nullptr || session->backend != CURLSSLBACKEND_OPENSSL) return false;
  const auto* tls = static_cast<const SSL*>(session->internals);
  return tls != nullptr && SSL_has_pending(tls) == 1;
}

}  // namespace

std::string ConnectionEnds(const char* local_ip, int local_port, const char* peer_ip,
                           int peer_port) {
  const auto text = [](const char* ip) { return std::string(ip == nullptr ? "" : ip); };
  return text(local_ip) + " " + std::to_string(local_port) + " " + text(peer_ip) + " " +
         std::to_string(peer_port);
}

void KeptSockets::Note(CURL* easy, const std::string& ends) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  const CURLcode code = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &socket);
  if (code != CURLE_OK || socket == CURL_SOCKET_BAD) return;  // it is not kept
  std::string& latest = latest_of_[socket];
  if (latest == ends) return;
  const auto before = sockets_.find(latest);
  if (before != sockets_.end() && before->second == socket) sockets_.erase(before);
  sockets_[ends] = socket;
  latest = ends;
}

// libcurl's own look at a kept connection, in 7.88, finds its end alone.
bool KeptSockets::HasLeftover(CURL* easy, const std::string& ends) const {
  return WasUsedBefore(easy) && (HasSocketInput(ends) || HasTlsInput(easy));
}

bool KeptSockets::HasSocketInput(const std::string& ends) const {
  const auto found = sockets_.find(ends);
  if (found == sockets_.end()) return true;  // who knows?
  char byte = 0;
  const ssize_t got = ::recv(found->second, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace larder::client
