// CurlConnections: kept connections that only some transfers share. The io_context's own pool
// (curl_multi.h) cannot close one of its connections; this closes all of them when it goes.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace larder::client {

// Used on one io_context. Must outlive the transfers that use it.
class CurlConnections {
 public:
  CurlConnections() : share_(curl_share_init()) {
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
  }
  ~CurlConnections() { curl_share_cleanup(share_); }
  CurlConnections(const CurlConnections&) = delete;
  CurlConnections& operator=(const CurlConnections&) = delete;

  // Before `easy` is added to its multi handle.
  void Lend(CURL* easy) const { curl_easy_setopt(easy, CURLOPT_SHARE, share_); }

 private:
  CURLSH* const share_;
};

}  // namespace larder::client
