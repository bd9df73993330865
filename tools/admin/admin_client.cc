#include "admin_client.h"

#include <httplib.h>
#include <sys/socket.h>

#include "unix_socket.h"

namespace larder::admin {
namespace {

constexpr std::chrono::seconds kConnectPatience{5};
// An answer may be as large as the largest body, and the disk may be slow.
constexpr std::chrono::seconds kAnswerPatience{60};
constexpr std::chrono::hours kSlowPatience{24 * 365};

httplib::Result Send(httplib::Client& client, const AdminRequest& request) {
  const httplib::Params query(request.query.begin(), request.query.end());
  const std::string target = httplib::append_query_params(request.path, query);
  if (request.method == "POST") return client.Post(target, request.body, "application/json");
  if (request.method == "PATCH") return client.Patch(target, request.body, "application/json");
  if (request.method == "PUT") {
    return client.Put(target, request.body, "application/octet-stream");
  }
  if (request.method == "DELETE") return client.Delete(target);
  return client.Get(target);
}

Result<AdminAnswer> Exchange(httplib::Client& client, const std::string& where,
                             const AdminRequest& request) {
  client.set_connection_timeout(kConnectPatience);
  client.set_read_timeout(request.is_slow ? kSlowPatience : kAnswerPatience);
  client.set_write_timeout(kConnectPatience);
  const httplib::Result answer = Send(client, request);
  if (answer) {
    return AdminAnswer{.http_status = answer->status,
                       .content_type = answer->get_header_value("Content-Type"),
                       .body = answer->body};
  }
  const StatusCode code = answer.error() == httplib::Error::Read ? StatusCode::kDeadlineExceeded
                                                                 : StatusCode::kUnavailable;
  return Status(code, "no answer from " + where + ": " + httplib::to_string(answer.error()));
}

}  // namespace

Result<AdminAnswer> CallAdmin(const std::string& socket, const AdminRequest& request) {
  const Result<SocketFolder> folder = SocketFolder::Open(socket);
  if (!folder.ok()) return folder.status();
  const Result<bool> served = folder->IsServed();
  if (!served.ok()) return served.status();
  if (!*served) return Status(StatusCode::kUnavailable, "nobody listens on " + socket);
  httplib::Client client(folder->address());
  client.set_address_family(AF_UNIX);
  return Exchange(client, socket, request);
}

Result<AdminAnswer> CallAdminAt(const std::string& url, std::string_view token,
                                const AdminRequest& request) {
  const std::size_t host = url.find("://");
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (!known || host + 3 == url.size() || url.find_first_of("/?#@", host + 3) != url.npos) {
    return Status(StatusCode::kInvalidArgument,
                  "the URL of an admin API is http://HOST:PORT or https://HOST:PORT");
  }
  httplib::Client client(url);
  if (!client.is_valid()) return Status(StatusCode::kInvalidArgument, "not a URL: " + url);
  client.set_tcp_nodelay(true);
  client.set_bearer_token_auth(std::string(token));
  return Exchange(client, url, request);
}

}  // namespace larder::admin
