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

class HttpAdminServer final : public AdminServer {
 public:
  HttpAdminServer(Cache& cache, SocketFolder folder, const AdminOptions& options)
      : service_(cache, options), folder_(std::move(folder)) {
    server_.new_task_queue = [threads = options.threads] {
      return new httplib::ThreadPool(threads);
    };
    server_.set_address_family(AF_UNIX);
    server_.set_keep_alive_max_count(1);
    server_.set_payload_max_length(kMaxBodyBytes);
    server_.set_read_timeout(kPatience);
    server_.set_write_timeout(kPatience);
    server_.set_socket_options([this](socket_t socket) { listener_ = socket; });
    server_.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& out) {
      const std::string why = WhyRefused(request);
      if (why.empty()) return httplib::Server::HandlerResponse::Unhandled;
      Write(ErrorAnswer({StatusCode::kInvalidArgument, why}), out);
      return httplib::Server::HandlerResponse::Handled;
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

  ~HttpAdminServer() override {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
    if (folder_.Inode() == inode_) folder_.Remove();
  }

  Status Listen(const std::string& path) {
    // The mode must be right from the first moment on; chmod after bind would leave a gap.
    const mode_t before = ::umask(0177);
    const bool bound = server_.bind_to_port(folder_.address(), /*port=*/1);
    const int error = errno;
    ::umask(before);
    if (!bound || ::listen(listener_, kBacklog) != 0) {
      return {StatusCode::kUnavailable, "listen on " + path + ": " + std::strerror(error)};
    }
    inode_ = folder_.Inode();
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      ended_ = true;
    });
    // stop() has an effect on a running server only.
    while (!server_.is_running() && !ended_) std::this_thread::yield();
    return Status::Ok();
  }

 private:
  static void Write(AdminAnswer answer, httplib::Response& out) {
    out.status = answer.http_status;
    out.set_content(std::move(answer.body), answer.content_type);
  }

  const AdminService service_;
  const SocketFolder folder_;
  httplib::Server server_;
  socket_t listener_ = INVALID_SOCKET;
  ino_t inode_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
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
  auto server = std::make_unique<HttpAdminServer>(cache, *std::move(folder), options);
  if (Status status = server->Listen(options.socket); !status.ok()) return status;
  return std::unique_ptr<AdminServer>(std::move(server));
}

}  // namespace larder::admin
