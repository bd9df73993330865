#include "larder/admin/admin_server.h"

#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "admin_service.h"
#include "transfer_requests.h"
#include "unix_socket.h"

namespace larder::admin {
namespace {

// A key of 1 KiB in base64url, and room for the rest. The library matches paths with std::regex,
// which recurses once a character.
constexpr std::size_t kMaxTargetBytes = 2048;
// Of a value that is put; anything else but an import is a line of JSON.
constexpr std::size_t kMaxValueBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxJsonBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxBodyBytes = std::max(kMaxValueBytes, kMaxImportBytes);

std::size_t LimitOf(const httplib::Request& request) {
  if (request.path == kImportPath) return kMaxImportBytes;
  return request.method == "PUT" ? kMaxValueBytes : kMaxJsonBytes;
}
constexpr std::chrono::seconds kPatience{5};
// The library asks for 5, which a shell loop around cachectl overruns.
constexpr int kBacklog = 128;

// What the library would take, and we do not; "" if the request is fine.
std::string WhyRefused(const httplib::Request& request) {
  if (request.target.size() > kMaxTargetBytes) return "the path is too long";
  if (request.has_header("Transfer-Encoding")) return "a transfer-encoding is not accepted";
  const std::size_t lengths = request.get_header_value_count("Content-Length");
  if (lengths > 1) return "more than one content-length";
  const bool has_body =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (lengths == 0) return has_body ? "a content-length is missing" : "";
  const std::string length = request.get_header_value("Content-Length");
  if (length.empty() || length.size() > 9 ||
      length.find_first_not_of("0123456789") != length.npos) {
    return "the content-length is not a number";
  }
  // The library would read all of it before it says so.
  const std::size_t limit = LimitOf(request);
  if (std::stoul(length) > limit) {
    return "the body is over " + std::to_string(limit >> 20) + " MiB";
  }
  return "";
}

void Write(AdminAnswer answer, httplib::Response& out) {
  out.status = answer.http_status;
  out.set_content(std::move(answer.body), answer.content_type);
}

// What both ways in share: which requests are taken, and what answers them.
class HttpAdminServer : public AdminServer {
 public:
  HttpAdminServer(Cache& cache, const AdminOptions& options) : service_(cache, options) {
    server_.new_task_queue = [threads = options.threads] {
      return new httplib::ThreadPool(threads);
    };
    server_.set_keep_alive_max_count(1);
    server_.set_payload_max_length(kMaxBodyBytes);
    server_.set_read_timeout(kPatience);
    server_.set_write_timeout(kPatience);
    server_.set_socket_options([this](socket_t socket) {
      SetSocketOptions(socket);
      listener_ = socket;
    });
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& out) {
          return MayPass(request, out) ? httplib::Server::HandlerResponse::Unhandled
                                       : httplib::Server::HandlerResponse::Handled;
        });
    server_.set_exception_handler(
        [](const httplib::Request&, httplib::Response& out, const std::exception_ptr&) {
          Write(ErrorAnswer({StatusCode::kInternal, "unexpected exception"}), out);
        });
    const auto handle = [this](const httplib::Request& request, httplib::Response& out) {
      Write(service_.Handle({.method = request.method,
                             .path = request.path,
                             .query = {request.params.begin(), request.params.end()},
                             .body = request.body}),
            out);
    };
    server_.Get(".*", handle);
    server_.Put(".*", handle);
    server_.Post(".*", handle);
    server_.Patch(".*", handle);
    server_.Delete(".*", handle);
  }

 protected:
  httplib::Server& server() { return server_; }

  // Once it is bound.
  Status Serve(const std::string& where) {
    if (::listen(listener_, kBacklog) != 0) return CannotListen(where);
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      ended_ = true;
    });
    // stop() has an effect on a running server only.
    while (!server_.is_running() && !ended_) std::this_thread::yield();
    return Status::Ok();
  }
  // Before what a request may use is destroyed. Whether it ran.
  bool Stop() {
    if (!thread_.joinable()) return false;
    server_.stop();
    thread_.join();
    return true;
  }
  static Status CannotListen(const std::string& where) {
    return {StatusCode::kUnavailable, "listen on " + where + ": " + std::strerror(errno)};
  }

 private:
  virtual void SetSocketOptions(socket_t /*socket*/) {}
  // Whether the request comes from one who may ask; else it has been answered.
  virtual bool IsAllowed(const httplib::Request& /*request*/, httplib::Response& /*out*/) {
    return true;
  }

  bool MayPass(const httplib::Request& request, httplib::Response& out) {
    if (!IsAllowed(request, out)) return false;
    const std::string why = WhyRefused(request);
    if (!why.empty()) Write(ErrorAnswer({StatusCode::kInvalidArgument, why}), out);
    return why.empty();
  }

  const AdminService service_;
  httplib::Server server_;
  socket_t listener_ = INVALID_SOCKET;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

class SocketAdminServer final : public HttpAdminServer {
 public:
  SocketAdminServer(Cache& cache, SocketFolder folder, const AdminOptions& options)
      : HttpAdminServer(cache, options), folder_(std::move(folder)), path_(options.socket) {}
  ~SocketAdminServer() override {
    if (Stop() && folder_.Inode() == inode_) folder_.Remove();
  }

  Status Listen() {
    server().set_address_family(AF_UNIX);
    if (!server().bind_to_port(folder_.address(), /*port=*/1)) return CannotListen(path_);
    inode_ = folder_.Inode();
    return Serve(path_);
  }
  const std::string& address() const override { return path_; }

 private:
  // Before it is bound, so that the mode is right from the first moment on: what is bound takes it
  // over. A umask would be that of other threads, too.
  void SetSocketOptions(socket_t socket) override { ::fchmod(socket, S_IRUSR | S_IWUSR); }

  const SocketFolder folder_;
  const std::string path_;
  ino_t inode_ = 0;
};

class TcpAdminServer final : public HttpAdminServer {
 public:
  TcpAdminServer(Cache& cache, const AdminOptions& options, AdminTcp tcp)
      : HttpAdminServer(cache, options), tcp_(std::move(tcp)) {}
  ~TcpAdminServer() override { Stop(); }

  Status Listen() {
    server().set_tcp_nodelay(true);
    const std::string host =
        tcp_.host.find(':') == std::string::npos ? tcp_.host : "[" + tcp_.host + "]";
    const std::string asked = host + ":" + std::to_string(tcp_.port);
    int port = tcp_.port;
    if (port == 0) {
      port = server().bind_to_any_port(tcp_.host);
      if (port < 0) return CannotListen(asked);
    } else if (!server().bind_to_port(tcp_.host, port)) {
      return CannotListen(asked);
    }
    address_ = "http://" + host + ":" + std::to_string(port);
    return Serve(asked);
  }
  const std::string& address() const override { return address_; }

 private:
  // The library sets SO_REUSEPORT, by which two processes could take the same port.
  void SetSocketOptions(socket_t socket) override {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  bool IsAllowed(const httplib::Request& request, httplib::Response& out) override {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string given = request.get_header_value("Authorization");
    const bool one = request.get_header_value_count("Authorization") == 1;
    if (one && given.starts_with(kScheme) && tcp_.is_token(given.substr(kScheme.size()))) {
      return true;
    }
    AdminAnswer answer =
        ErrorAnswer({StatusCode::kInvalidArgument,
                     "not the token of the admin API: send it as Authorization: Bearer TOKEN"});
    answer.http_status = 401;
    out.set_header("WWW-Authenticate", "Bearer");
    Write(std::move(answer), out);
    return false;
  }

  const AdminTcp tcp_;
  std::string address_;
};

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::Start(Cache& cache, const AdminOptions& options) {
  Result<SocketFolder> folder = SocketFolder::Open(options.socket);
  if (!folder.ok()) return folder.status();
  const Result<bool> served = folder->IsServed();
  if (!served.ok()) return served.status();
  if (*served) {
    return Status(StatusCode::kUnavailable, "another process listens on " + options.socket);
  }
  folder->Remove();
  auto server = std::make_unique<SocketAdminServer>(cache, *std::move(folder), options);
  if (Status status = server->Listen(); !status.ok()) return status;
  return std::unique_ptr<AdminServer>(std::move(server));
}

Result<std::unique_ptr<AdminServer>> AdminServer::StartTcp(Cache& cache,
                                                           const AdminOptions& options,
                                                           const AdminTcp& tcp) {
  auto server = std::make_unique<TcpAdminServer>(cache, options, tcp);
  if (Status status = server->Listen(); !status.ok()) return status;
  return std::unique_ptr<AdminServer>(std::move(server));
}

}  // namespace larder::admin
