// CurlTransfer: one exchange on libcurl, as coroutines wait for it.
//
// Nothing waits on libcurl itself: its callbacks change this object's state and wake `wake_`, the
// one timer that a waiting coroutine sleeps on, whose expiry is at the same time the limit that
// comes next. Destroying a transfer ends it at once, wherever it is.
#pragma once

#include <curl/curl.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "curl_connections.h"
#include "curl_multi.h"
#include "curl_tls.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/client/tls_config.h"
#include "larder/result.h"
#include "response_head_parser.h"

namespace larder::client {

// Where the requests of one provider go, and how; as in ProviderConfig.
struct UpstreamAddress {
  std::string base_url;
  std::string proxy = {};
  TlsConfig tls = {};
};

class CurlTransfer final : public BodyReader, private CurlCompletion {
 public:
  // More than this unread, and the transfer pauses: a slow reader slows the sender down.
  static constexpr std::size_t kMaxUnreadBytes = std::size_t{64} << 10;

  // Must not outlive `io`. `connections` null = those of the io_context.
  CurlTransfer(boost::asio::io_context& io, const UpstreamAddress& upstream,
               const Timeouts& timeouts, Request request,
               std::shared_ptr<const CurlConnections> connections = nullptr);
  ~CurlTransfer() override;
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Sends the request and completes when the final head is there. Once.
  boost::asio::awaitable<Result<ResponseHead>> Open();
  boost::asio::awaitable<Result<SharedBytes>> Read() override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Limit {
    Time at;
    const char* name;
  };
  struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  Status Prepare();
  void PrepareUrl();
  Status PrepareHeaders();
  void PrepareProxy();
  void PrepareMethod();
  void PrepareCallbacks();

  // Completes when `ready` says so or the transfer is over; returns its error, if any.
  template <typename Ready>
  boost::asio::awaitable<Status> WaitUntil(Ready ready);
  Limit NextLimit() const;
  Duration Left() const;
  void Wake() { wake_.cancel(); }
  void Stop();
  bool Fail(Status status);
  Status Describe(CURLcode code) const;

  // Once more, on a connection of its own.
  bool StartAfresh();

  void OnDone(CURLcode code) override;
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnUpload(char* buffer, std::size_t size, std::size_t count, void* self);
  static int OnRewind(void* self, curl_off_t offset, int origin);
  static int OnConnected(void* self, char*, char*, int, int);

  // Constant after construction.
  CurlMulti& multi_;
  const Timeouts timeouts_;
  const UpstreamAddress upstream_;
  const bool repeatable_;
  const std::shared_ptr<const CurlConnections> connections_;  // goes after the handle

  Request request_;
  boost::asio::steady_timer wake_;
  std::unique_ptr<curl_slist, ListDeleter> fields_;
  std::unique_ptr<curl_slist, ListDeleter> connect_to_;
  MissedCertificate missed_certificate_;
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::array<char, CURL_ERROR_SIZE> error_text_ = {};  // libcurl's, empty if it has none
  bool running_ = false;                               // libcurl has the handle

  ResponseHeadParser parser_;
  bool connected_ = false;
  std::string ends_of_connection_;
  bool met_leftover_ = false;  // on the connection that it was given first
  std::size_t uploaded_ = 0;
  bool repeated_ = false;
  std::string unread_;
  std::size_t received_ = 0;
  bool paused_ = false;
  bool over_ = false;
  Status error_;  // once over

  Time started_{};
  Time ends_{};      // by `total`, or by the request's deadline
  Time progress_{};  // limits between two events count from here
};

}  // namespace larder::client
