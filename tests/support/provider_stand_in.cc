#include "provider_stand_in.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "recording_index.h"
#include "thread_per_connection.h"

namespace larder::testing {
namespace {

using std::chrono::milliseconds;

// Framing is the server's own, and alt-svc and HSTS speak of the recorded host.
bool IsReplayed(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  static constexpr std::array<std::string_view, 8> kLeftOut = {
      "connection", "keep-alive",       "transfer-encoding", "content-length",
      "alt-svc",    "content-encoding", "content-type",      "strict-transport-security"};
  return std::find(kLeftOut.begin(), kLeftOut.end(), name) == kLeftOut.end();
}

milliseconds Duration(const StandInPace& pace, std::size_t tokens) {
  if (pace.tokens_per_second <= 0) return std::min(pace.first_token, pace.longest);
  const double rest = 1000.0 * static_cast<double>(tokens) / pace.tokens_per_second;
  return std::min(pace.first_token + milliseconds(static_cast<std::int64_t>(rest)), pace.longest);
}

// "chat_completions.json/12" out of "/recorded/chat_completions.json/12/v1/...", else empty.
std::string_view NameInPath(std::string_view path) {
  constexpr std::string_view kPrefix = "/recorded/";
  if (!path.starts_with(kPrefix)) return {};
  path.remove_prefix(kPrefix.size());
  const std::size_t file_end = path.find('/');
  if (file_end == std::string_view::npos) return {};
  return path.substr(0, path.find('/', file_end + 1));
}

void AnswerNotRecorded(httplib::Response& response) {
  response.status = 404;
  response.set_header("x-should-retry", "false");
  response.set_content(R"({"error":{"message":"no such exchange was recorded",)"
                       R"("type":"invalid_request_error","param":null,"code":null}})",
                       "application/json");
}

void Echo(const httplib::Request& request, httplib::Response& response) {
  response.set_header("x-echo-method", request.method);
  response.set_header("x-echo-target", request.target);
  for (const auto& [name, value] : request.headers) {
    response.set_header("x-echo-" + name, value);
  }
  response.set_content(request.body, "application/octet-stream");
}

}  // namespace

class ProviderStandIn::Impl {
 public:
  explicit Impl(const StandInOptions& options) : pace_(options.pace), index_(options.files) {
    server_.new_task_queue = [] { return new ThreadPerConnection; };
    // A connection serves one request: no caller can meet one that is just being closed, which
    // would make it send again and upset the counts.
    server_.set_keep_alive_max_count(1);
    server_.set_tcp_nodelay(true);
    int socket = -1;
    server_.set_socket_options([&socket](socket_t fd) {
      const int yes = 1;
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      socket = fd;
    });
    const auto handler = [this](const auto& request, auto& response) { Serve(request, response); };
    server_.Get("/.*", handler).Post("/.*", handler).Put("/.*", handler);
    server_.Patch("/.*", handler).Delete("/.*", handler).Options("/.*", handler);
    ServeControls();
    port_ = options.port == 0 ? server_.bind_to_any_port("127.0.0.1") : options.port;
    if (options.port != 0 && !server_.bind_to_port("127.0.0.1", port_)) port_ = -1;
    if (port_ <= 0) throw std::runtime_error("cannot listen on 127.0.0.1");
    // Its backlog of 5 is compiled in, too few for hundreds of callers at once.
    ::listen(socket, 1024);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      hold_after_.reset();
    }
    changed_.notify_all();
    server_.stop();
    thread_.join();
  }

  int port() const { return port_; }

  void SetHold(std::optional<std::size_t> events) {
    Change([&] { hold_after_ = events; });
  }
  void SetCut(std::optional<std::size_t> events) {
    Change([&] { cut_after_ = events; });
  }

  StandInCalls calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  void ResetCalls() {
    Change([&] {
      calls_.total = calls_.cut = 0;
      calls_.by_recording.clear();
    });
  }

  template <typename Condition>
  bool WaitFor(milliseconds timeout, const Condition& condition) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return condition(calls_); });
  }

 private:
  template <typename Function>
  void Change(const Function& function) {
    const std::lock_guard lock(mutex_);
    function();
    changed_.notify_all();
  }

  const Recording* FindRecording(const httplib::Request& request) {
    if (request.has_header("x-recorded"))
      return index_.Find(request.get_header_value("x-recorded"));
    if (request.path.starts_with("/recorded/")) return index_.Find(NameInPath(request.path));
    return index_.Match(request.path, request.body);
  }

  void Serve(const httplib::Request& request, httplib::Response& response) {
    const bool echo = request.path.starts_with("/echo/");
    const Recording* recording = echo ? nullptr : FindRecording(request);
    Change([&] {
      ++calls_.total;
      ++calls_.running;
      if (recording != nullptr) ++calls_.by_recording[recording->name];
      calls_.last_headers.assign(request.headers.begin(), request.headers.end());
    });
    if (recording == nullptr) {
      PassGate(0, /*is_stream=*/false);
      echo ? Echo(request, response) : AnswerNotRecorded(response);
      return Finish(/*whole=*/true);
    }
    const RecordedExchange& exchange = recording->exchange;
    PassGate(0, exchange.is_stream);
    response.status = exchange.status;
    for (const auto& [name, value] : exchange.response_headers) {
      if (IsReplayed(name)) response.set_header(name, value);
    }
    exchange.is_stream ? ReplayStream(*recording, response) : ReplayJson(*recording, response);
  }

  void ReplayJson(const Recording& recording, httplib::Response& response) {
    Pause(Duration(pace_, recording.tokens));
    const std::string& body = recording.exchange.response_body;
    const std::size_t end = IsCutAt(SIZE_MAX) ? body.size() / 2 : body.size();
    response.set_content_provider(
        body.size(), recording.exchange.response_header("content-type"),
        [&body, end](std::size_t offset, std::size_t, httplib::DataSink& sink) {
          return offset < end && sink.write(body.data() + offset, end - offset);
        },
        [this](bool whole) { Finish(whole); });
  }

  void ReplayStream(const Recording& recording, httplib::Response& response) {
    const std::size_t count = recording.pieces.size();
    const milliseconds first = std::min(pace_.first_token, pace_.longest);
    const std::chrono::nanoseconds rest = Duration(pace_, recording.tokens) - first;
    const auto step = rest / std::max<std::size_t>(count, 1);
    Pause(first);
    response.set_chunked_content_provider(
        recording.exchange.response_header("content-type"),
        [this, &recording, step, sent = std::size_t{0}](std::size_t,
                                                        httplib::DataSink& sink) mutable {
          if (IsCutAt(sent)) return false;
          if (sent == recording.pieces.size()) {
            sink.done();
            return true;
          }
          if (sent > 0) PassGate(sent, /*is_stream=*/true);
          const std::string& piece = recording.pieces[sent++];
          if (!sink.write(piece.data(), piece.size())) return false;
          Pause(step);
          return true;
        },
        [this](bool whole) { Finish(whole); });
  }

  bool IsCutAt(std::size_t sent) const {
    const std::lock_guard lock(mutex_);
    return cut_after_.has_value() && sent >= *cut_after_;
  }

  // Waits while the gate is shut for an answer of which so many events went out.
  void PassGate(std::size_t sent, bool is_stream) {
    std::unique_lock lock(mutex_);
    const auto shut = [&] {
      return hold_after_.has_value() && (is_stream ? sent == *hold_after_ : sent == 0);
    };
    if (!shut()) return;
    ++calls_.held;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !shut(); });
    --calls_.held;
    changed_.notify_all();
  }

  void Pause(std::chrono::nanoseconds duration) {
    if (duration.count() <= 0) return;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, duration, [&] { return stopping_; });
  }

  void Finish(bool whole) {
    Change([&] {
      --calls_.running;
      if (!whole) ++calls_.cut;
    });
  }

  // What the class offers, for callers in other programs. More specific routes do not win in
  // httplib, so these are picked out before routing.
  void ServeControls() {
    server_.set_pre_routing_handler([this](const auto& request, auto& response) {
      if (!request.path.starts_with("/stand-in/")) {
        return httplib::Server::HandlerResponse::Unhandled;
      }
      const std::size_t events = NumberParameter(request, "events");
      const std::string action = request.path.substr(10);
      if (action == "hold") SetHold(events);
      if (action == "release") SetHold(std::nullopt);
      if (action == "cut") SetCut(events);
      if (action == "cut-nothing") SetCut(std::nullopt);
      if (action == "reset") ResetCalls();
      if (action == "wait") AnswerWait(request, response);
      if (action != "wait") response.set_content(CallsAsJson(), "application/json");
      return httplib::Server::HandlerResponse::Handled;
    });
  }

  static std::size_t NumberParameter(const httplib::Request& request, const char* name) {
    const std::string text = request.get_param_value(name);
    std::size_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }

  // GET /stand-in/wait?total=3&held=2&timeout_ms=5000: 200 once both are reached, else 504.
  void AnswerWait(const httplib::Request& request, httplib::Response& response) {
    const std::size_t total = NumberParameter(request, "total");
    const std::size_t held = NumberParameter(request, "held");
    const milliseconds timeout(NumberParameter(request, "timeout_ms"));
    const bool reached = WaitFor(timeout, [&](const StandInCalls& calls) {
      return calls.total >= total && calls.held >= held;
    });
    response.status = reached ? 200 : 504;
    response.set_content(CallsAsJson(), "application/json");
  }

  std::string CallsAsJson() const {
    const StandInCalls now = calls();
    return nlohmann::json{{"total", now.total},
                          {"held", now.held},
                          {"running", now.running},
                          {"cut", now.cut},
                          {"by_recording", now.by_recording}}
        .dump();
  }

  const StandInPace pace_;
  RecordingIndex index_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  StandInCalls calls_;
  std::optional<std::size_t> hold_after_;
  std::optional<std::size_t> cut_after_;
  bool stopping_ = false;

  int port_ = 0;
  httplib::Server server_;
  std::thread thread_;
};

ProviderStandIn::ProviderStandIn(const StandInOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
ProviderStandIn::~ProviderStandIn() = default;

std::string ProviderStandIn::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port());
}
void ProviderStandIn::Hold(std::size_t events) { impl_->SetHold(events); }
void ProviderStandIn::Release() { impl_->SetHold(std::nullopt); }
void ProviderStandIn::CutAfter(std::size_t events) { impl_->SetCut(events); }
void ProviderStandIn::CutNothing() { impl_->SetCut(std::nullopt); }
StandInCalls ProviderStandIn::calls() const { return impl_->calls(); }
void ProviderStandIn::ResetCalls() { impl_->ResetCalls(); }
bool ProviderStandIn::WaitForTotal(std::size_t count, milliseconds timeout) const {
  return impl_->WaitFor(timeout, [&](const StandInCalls& now) { return now.total >= count; });
}
bool ProviderStandIn::WaitForHeld(std::size_t count, milliseconds timeout) const {
  return impl_->WaitFor(timeout, [&](const StandInCalls& now) { return now.held >= count; });
}

}  // namespace larder::testing
