#include "curl_transfer.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "curl_request.h"

namespace larder::client {
namespace {

// What a read may bring at a time; libcurl's own choice is 16 KiB, which every stream would keep.
constexpr long kReceiveBuffer = 8L << 10;
constexpr std::size_t kSmallBody = std::size_t{32} << 10;
constexpr long kSmallUploadBuffer = 16L << 10;  // the least that libcurl takes

using SteadyClock = std::chrono::steady_clock;

// Connections that servers close after 5 s without a request (Node, uvicorn) are not used again
// when they are about to: a request lost on a dying connection cannot always be repeated.
constexpr long kMaxIdleConnectionSeconds = 4;

// libcurl's words for a proxy that refuses CONNECT; its status follows. CURLINFO_HTTP_CONNECTCODE
// of 7.88 is not always set by then.
constexpr std::string_view kNoTunnel = "CONNECT tunnel failed, response ";

// `kForever` and its like do not overflow.
SteadyClock::time_point After(SteadyClock::time_point time, Duration duration) {
  constexpr Duration kLong = std::chrono::hours(24 * 365);
  return time + std::min(duration, kLong);
}

long CurlMilliseconds(Duration duration) {
  constexpr Duration::rep kMax = std::numeric_limits<int>::max();
  return static_cast<long>(std::clamp<Duration::rep>(duration.count(), 1, kMax));
}

}  // namespace

CurlTransfer::CurlTransfer(boost::asio::io_context& io, const UpstreamAddress& upstream,
                           const Timeouts& timeouts, Request request,
                           std::shared_ptr<const CurlConnections> connections)
    : multi_(CurlMulti::Of(io)),
      timeouts_(timeouts),
      upstream_(upstream),
      repeatable_(MayRepeat(request)),
      connections_(std::move(connections)),
      request_(std::move(request)),
      wake_(io),
      easy_(curl_easy_init()),
      parser_(request_.method == "HEAD") {}

CurlTransfer::~CurlTransfer() { Stop(); }

void CurlTransfer::Stop() {
  if (running_) multi_.Remove(easy_.get());
  running_ = false;
}

boost::asio::awaitable<Result<ResponseHead>> CurlTransfer::Open() {
  started_ = SteadyClock::now();
  ends_ = After(started_, timeouts_.total);
  if (request_.deadline) ends_ = std::min(ends_, *request_.deadline);
  Status status = Prepare();
  if (!status.ok()) co_return status;
  progress_ = After(started_, timeouts_.connect);  // until connected, libcurl keeps that limit
  status = multi_.Add(easy_.get());
  if (!status.ok()) co_return status;
  running_ = true;
  const auto ready = [this] { return parser_.complete(); };
  status = co_await WaitUntil(ready);
  if (!parser_.complete()) {
    if (!status.ok()) co_return status;
    co_return Status(StatusCode::kUnavailable, "the connection ended without an answer");
  }
  co_return parser_.Take();
}

boost::asio::awaitable<Result<SharedBytes>> CurlTransfer::Read() {
  progress_ = SteadyClock::now();
  const auto ready = [this] { return !unread_.empty(); };
  const Status status = co_await WaitUntil(ready);
  if (unread_.empty()) {
    if (!status.ok()) co_return status;
    co_return SharedBytes();
  }
  SharedBytes piece(std::exchange(unread_, std::string()));
  if (std::exchange(paused_, false)) curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
  co_return piece;
}

template <typename Ready>
boost::asio::awaitable<Status> CurlTransfer::WaitUntil(Ready ready) {
  while (!ready() && !over_) {
    const Limit limit = NextLimit();
    if (SteadyClock::now() >= limit.at) {
      Fail({StatusCode::kDeadlineExceeded,
            std::string("upstream took longer than the limit `") + limit.name + "`"});
      break;
    }
    wake_.expires_at(limit.at);
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    co_await wake_.async_wait(token);
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
      Fail({StatusCode::kCancelled, "the caller gave up"});
    }
  }
  co_return error_;
}

CurlTransfer::Limit CurlTransfer::NextLimit() const {
  const Limit total{ends_, "total"};
  const Limit next = parser_.complete()
                         ? Limit{After(progress_, timeouts_.idle), "idle"}
                         : Limit{After(progress_, timeouts_.first_byte), "first_byte"};
  return next.at < total.at ? next : total;
}

// Always false, so that callbacks can return it. The first error counts.
bool CurlTransfer::Fail(Status status) {
  if (!over_ || error_.ok()) error_ = std::move(status);
  over_ = true;
  return false;
}

Status CurlTransfer::Prepare() {
  if (easy_ == nullptr) return {StatusCode::kInternal, "curl_easy_init failed"};
  const Status valid = CheckRequest(request_);
  if (!valid.ok()) return valid;
  CURL* easy = easy_.get();
  if (connections_ != nullptr) connections_->Lend(easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  PrepareUrl();
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // One exchange a connection: a slow reader holds up nobody else's stream.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // cancelling does not wait for the resolver
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, kMaxIdleConnectionSeconds);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CurlMilliseconds(timeouts_.connect));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, CurlMilliseconds(Left()));
  PrepareTls(easy, upstream_.tls, request_.identity.get(), missed_certificate_);
  PrepareProxy();
  PrepareMethod();
  PrepareCallbacks();
  return PrepareHeaders();
}

// libcurl takes the name of the server from the URL alone, so a name of its own goes there, and
// where to connect is said beside it.
void CurlTransfer::PrepareUrl() {
  CURL* easy = easy_.get();
  const BaseUrl base = SplitBaseUrl(upstream_.base_url);
  const std::string& name = upstream_.tls.server_name;
  const std::string host = name.empty() ? base.host : name;
  const std::string url = base.scheme + "://" + host + ":" + base.port + base.path;
  const bool usual = name.empty();
  curl_easy_setopt(easy, CURLOPT_URL,
                   ((usual ? upstream_.base_url : url) + request_.target).c_str());
  if (usual) return;
  const std::string detour = ":" + base.port + ":" + base.host + ":" + base.port;
  connect_to_.reset(curl_slist_append(nullptr, (host + detour).c_str()));
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
}

// Without a word of ours, libcurl looks at http_proxy, https_proxy and no_proxy.
void CurlTransfer::PrepareProxy() {
  CURL* easy = easy_.get();
  const std::string& proxy = upstream_.proxy;
  const bool named = !proxy.empty() && proxy != "none";
  if (named) {
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  } else if (proxy == "none" || IsLoopback(upstream_.base_url)) {
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  }
}

Duration CurlTransfer::Left() const {
  return std::chrono::ceil<Duration>(ends_ - SteadyClock::now());
}

void CurlTransfer::PrepareMethod() {
  CURL* easy = easy_.get();
  const std::string& method = request_.method;
  if (method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    const bool small = request_.body.size() <= kSmallBody;
    // In one write with the head, and without a buffer for as long as the transfer lasts; libcurl
    // may then send it again without asking OnRewind.
    if (small && repeatable_) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    } else if (small) {
      curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kSmallUploadBuffer);
    }
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  // libcurl repeats a request on its own when a kept connection is dead. OnRewind decides about
  // those with a body; of the others the ones that must not be repeated get a new connection.
  if (request_.body.empty() && !repeatable_) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void CurlTransfer::PrepareCallbacks() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  CurlCompletion* completion = this;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, static_cast<void*>(completion));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &CurlTransfer::OnUpload);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &CurlTransfer::OnRewind);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &CurlTransfer::OnConnected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
}

Status CurlTransfer::PrepareHeaders() {
  std::vector<std::string> lines = HeaderLines(request_.headers);
  if (!upstream_.tls.server_name.empty()) {
    lines.push_back("Host: " + HostField(upstream_.base_url));
  }
  // libcurl walks to the end of the list that it is given: it is given the end.
  curl_slist* last = nullptr;
  for (const std::string& line : lines) {
    curl_slist* const list = curl_slist_append(last, line.c_str());
    if (list == nullptr) return {StatusCode::kResourceExhausted, "out of memory"};
    if (last == nullptr) fields_.reset(list);
    last = last == nullptr ? list : last->next;
  }
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, fields_.get());
  return Status::Ok();
}

// Nothing was sent yet. libcurl has closed the connection that had something left on it.
bool CurlTransfer::StartAfresh() {
  Stop();
  started_ = SteadyClock::now();
  progress_ = After(started_, timeouts_.connect);
  curl_easy_setopt(easy_.get(), CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy_.get(), CURLOPT_TIMEOUT_MS, CurlMilliseconds(Left()));
  running_ = multi_.Add(easy_.get()).ok();
  return running_;
}

void CurlTransfer::OnDone(CURLcode code) {
  if (code == CURLE_ABORTED_BY_CALLBACK && met_leftover_ && !connected_ && StartAfresh()) return;
  const std::size_t announced = parser_.body_bytes();
  if (code == CURLE_OK) multi_.kept().Note(easy_.get(), ends_of_connection_);
  if (code != CURLE_OK) {
    Fail(Describe(code));
  } else if (parser_.complete() && announced != std::string_view::npos && received_ != announced) {
    Fail({StatusCode::kUnavailable, "the answer's body is not as long as announced"});
  }
  over_ = true;
  Wake();
}

// libcurl's texts name neither the request nor its headers.
Status CurlTransfer::Describe(CURLcode code) const {
  const std::string& name = upstream_.tls.server_name;
  const std::string host = name.empty() ? SplitBaseUrl(upstream_.base_url).host : name;
  const bool missed = missed_certificate_ != nullptr && *missed_certificate_ && !parser_.complete();
  const std::optional<std::string> tls = DescribeTlsError(
      easy_.get(),
      {.code = code, .detail = error_text_.data(), .name = host, .missed_certificate = missed});
  if (tls) return {StatusCode::kUnavailable, *tls};
  if (code == CURLE_OPERATION_TIMEDOUT) {
    // Its only limits, of which the nearer ended it; by its clock, which may be ahead of ours.
    const bool connect = !connected_ && After(started_, timeouts_.connect) < ends_;
    return {StatusCode::kDeadlineExceeded, std::string("upstream took longer than the limit `") +
                                               (connect ? "connect" : "total") + "`"};
  }
  const std::string_view detail = error_text_.data();
  if (detail.starts_with(kNoTunnel)) {
    return {StatusCode::kUnavailable, "the proxy refuses a way to the upstream: it answered " +
                                          std::string(detail.substr(kNoTunnel.size()))};
  }
  if (code == CURLE_SEND_FAIL_REWIND) {
    return {StatusCode::kUnavailable,
            "the kept connection broke, and the request may not be sent twice"};
  }
  return {StatusCode::kUnavailable, std::string("upstream: ") + curl_easy_strerror(code)};
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  Status status = transfer->parser_.AddLine({data, size * count});
  if (!status.ok()) return static_cast<std::size_t>(transfer->Fail(std::move(status)));
  if (transfer->parser_.complete()) {
    transfer->progress_ = SteadyClock::now();
    transfer->Wake();
  }
  return size * count;
}

std::size_t CurlTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->unread_.size() >= kMaxUnreadBytes) {
    transfer->paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer->unread_.append(data, size * count);
  transfer->received_ += size * count;
  transfer->progress_ = SteadyClock::now();
  transfer->Wake();
  return size * count;
}

std::size_t CurlTransfer::OnUpload(char* buffer, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const std::string& body = transfer->request_.body;
  const std::size_t taken = std::min(size * count, body.size() - transfer->uploaded_);
  std::memcpy(buffer, body.data() + transfer->uploaded_, taken);
  transfer->uploaded_ += taken;
  transfer->progress_ = SteadyClock::now();
  return taken;
}

// Asked for only to repeat a request whose kept connection broke before any byte of an answer.
int CurlTransfer::OnRewind(void* self, curl_off_t offset, int origin) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const bool allowed = transfer->repeatable_ && !transfer->repeated_;
  if (!allowed || origin != SEEK_SET || offset != 0) return CURL_SEEKFUNC_FAIL;
  transfer->repeated_ = true;
  transfer->uploaded_ = 0;
  return CURL_SEEKFUNC_OK;
}

// Connected, and about to send: what libcurl's own limit does not cover begins.
int CurlTransfer::OnConnected(void* self, char* peer_ip, char* local_ip, int peer_port,
                              int local_port) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  transfer->ends_of_connection_ = ConnectionEnds(local_ip, local_port, peer_ip, peer_port);
  const KeptSockets& kept = transfer->multi_.kept();
  const bool met_before = transfer->met_leftover_;
  if (!met_before && kept.HasLeftover(transfer->easy_.get(), transfer->ends_of_connection_)) {
    transfer->met_leftover_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer->connected_ = true;
  if (transfer->request_.went_out) *transfer->request_.went_out = true;
  transfer->progress_ = SteadyClock::now();
  transfer->Wake();
  return CURL_PREREQFUNC_OK;
}

}  // namespace larder::client
