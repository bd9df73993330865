#include "curl_multi.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace larder::client {
namespace {

// Kept connections, all providers together.
constexpr long kMaxKeptConnections = 256;

void InitializeCurlOnce() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(code);
}

}  // namespace

boost::asio::io_context::id CurlMulti::id;

CurlMulti& CurlMulti::Of(boost::asio::io_context& io) {
  return boost::asio::use_service<CurlMulti>(io);
}

CurlMulti::CurlMulti(boost::asio::io_context& io)
    : boost::asio::io_context::service(io), io_(io), timer_(io) {
  // Makes Asio's service of descriptors now: services go in the reverse order of their making, and
  // our destructor still needs it.
  const boost::asio::posix::stream_descriptor probe(io);
  InitializeCurlOnce();
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxKeptConnections);
}

CurlMulti::~CurlMulti() { curl_multi_cleanup(multi_); }

// Coroutines are destroyed after this and remove their transfers; nothing new may start meanwhile.
void CurlMulti::shutdown() {
  shut_down_ = true;
  timer_.cancel();
}

Status CurlMulti::Add(CURL* easy) {
  const CURLMcode code = curl_multi_add_handle(multi_, easy);
  if (code == CURLM_OK) return Status::Ok();
  return {StatusCode::kInternal, std::string("add transfer: ") + curl_multi_strerror(code)};
}

void CurlMulti::Remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

int CurlMulti::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  static_cast<CurlMulti*>(self)->Update(socket, what);
  return 0;
}

int CurlMulti::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto* multi = static_cast<CurlMulti*>(self);
  if (multi->shut_down_) return 0;
  if (timeout_ms < 0) {
    multi->timer_.cancel();
    return 0;
  }
  // Never acted upon from here, not even for 0: libcurl may not be entered from its callbacks.
  if (timeout_ms == 0) {  // as for each transfer that begins: a timer costs two system calls
    boost::asio::post(multi->io_, [multi] {
      if (!multi->shut_down_) multi->Act(CURL_SOCKET_TIMEOUT, 0);
    });
    return 0;
  }
  multi->timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  multi->timer_.async_wait([multi](const boost::system::error_code& error) {
    if (!error) multi->Act(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void CurlMulti::Update(curl_socket_t socket, int what) {
  auto found = watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (found == watches_.end()) return;
    found->second->closed = true;
    found->second->descriptor.release();  // libcurl closes the socket itself, or keeps it
    watches_.erase(found);
    return;
  }
  if (shut_down_) return;
  if (found == watches_.end()) {
    auto watch = std::make_shared<Watch>(io_);
    boost::system::error_code error;
    watch->descriptor.assign(socket, error);
    if (error) return;  // libcurl's own timeouts end the transfer
    watch->socket = socket;
    found = watches_.emplace(socket, std::move(watch)).first;
  }
  found->second->wanted = what;
  Arm(found->second);
}

void CurlMulti::Arm(const std::shared_ptr<Watch>& watch) {
  if ((watch->wanted & CURL_POLL_IN) != 0) Wait(watch, CURL_POLL_IN, &Watch::reading);
  if ((watch->wanted & CURL_POLL_OUT) != 0) Wait(watch, CURL_POLL_OUT, &Watch::writing);
}

void CurlMulti::Wait(const std::shared_ptr<Watch>& watch, int direction, bool Watch::*armed) {
  if ((*watch).*armed) return;
  (*watch).*armed = true;
  const auto type = direction == CURL_POLL_IN ? boost::asio::posix::stream_descriptor::wait_read
                                              : boost::asio::posix::stream_descriptor::wait_write;
  watch->descriptor.async_wait(
      type, [this, watch, direction, armed](const boost::system::error_code& error) {
        (*watch).*armed = false;
        if (watch->closed || (watch->wanted & direction) == 0) return;
        const int ready = direction == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
        Act(watch->socket, error ? CURL_CSELECT_ERR : ready);
        if (!watch->closed && !error) Arm(watch);
      });
}

void CurlMulti::Act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* completion = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &completion);
    static_cast<CurlCompletion*>(completion)->OnDone(message->data.result);
  }
}

}  // namespace larder::client
