// The admin server on a real socket, before a real cache.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "admin_client.h"
#include "base64url.h"
#include "larder/admin/admin_server.h"
#include "larder/client/credentials.h"
#include "larder/late_opening.h"
#include "status_matchers.h"
#include "store_requests.h"
#include "temp_dir.h"
#include "unix_socket.h"

namespace larder::admin {
namespace {

using larder::testing::HasCode;
using larder::testing::TempDir;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = dir_ / "cache"});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
    socket_ = dir_ / "cache/admin.sock";
  }
  Status Serve() {
    Result<std::unique_ptr<AdminServer>> server = AdminServer::Start(*cache_, {.socket = socket_});
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return Status::Ok();
  }
  Result<std::string> Call(const AdminRequest& request) {
    Result<AdminAnswer> answer = CallAdmin(socket_, request);
    if (!answer.ok()) return answer.status();
    return BodyOrError(*std::move(answer));
  }
  Result<std::string> Get(const std::string& path) { return Call({.method = "GET", .path = path}); }
  Result<std::string> Post(const std::string& path, const std::string& body) {
    return Call({.method = "POST", .path = path, .body = body});
  }
  // Sends bytes as they are and returns all that comes back.
  std::string Raw(const std::string& bytes) const {
    const Result<SocketFolder> folder = SocketFolder::Open(socket_);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    folder->address().copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char piece[4096];
    for (ssize_t n = 0; (n = ::recv(fd, piece, sizeof(piece), 0)) > 0;) {
      answer.append(piece, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return answer;
  }

  TempDir dir_;
  std::unique_ptr<Cache> cache_;
  std::string socket_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminTest, CompactionTellsHowFarItHasCome) {
  ASSERT_OK(Serve());
  ASSERT_OK(cache_->Put("key", std::string(1000, 'x')));
  json before = json::parse(*Get("/v1/compact"));
  EXPECT_EQ(before, json({{"running", false}, {"done_bytes", 0}, {"total_bytes", 0}}));
  ASSERT_OK(Post("/v1/compact", ""));
  const json after = json::parse(*Get("/v1/compact"));
  EXPECT_EQ(after["running"], false);
  EXPECT_GT(after["total_bytes"], 0);
  EXPECT_EQ(after["done_bytes"], after["total_bytes"]);
}

TEST(CompactionBoardTest, RunsUntilTheLastHasEnded) {
  CompactionBoard board;
  board.Begin();
  board.Note({.done_bytes = 1, .total_bytes = 3});
  EXPECT_TRUE(board.Look().running);
  EXPECT_EQ(board.Look().step.done_bytes, 1U);
  board.Begin();
  EXPECT_EQ(board.Look().step.total_bytes, 0U) << "another one, from its beginning";
  board.End();
  EXPECT_TRUE(board.Look().running);
  board.End();
  EXPECT_FALSE(board.Look().running);
}

TEST_F(AdminTest, OnlyTheOwnerMayOpenTheSocket) {
  ASSERT_OK(Serve());
  struct stat found = {};
  ASSERT_EQ(::stat(socket_.c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(AdminTest, OverTcpItIsForThoseWhoSendTheToken) {
  std::atomic<int> asked = 0;
  const AdminTcp tcp{.is_token = [&](std::string_view given) {
    ++asked;
    return given == "right";
  }};
  const auto server = AdminServer::StartTcp(*cache_, {}, tcp);
  ASSERT_OK(server);
  const std::string url = (*server)->address();
  const AdminRequest stats{.method = "GET", .path = "/v1/stats"};
  const Result<AdminAnswer> answer = CallAdminAt(url, "right", stats);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->http_status, 200);
  for (const char* wrong : {"", "wrong", "righ", "rightly"}) {
    const Result<AdminAnswer> refused = CallAdminAt(url, wrong, stats);
    ASSERT_OK(refused);
    EXPECT_EQ(refused->http_status, 401) << wrong;
  }
  const AdminRequest all{.method = "POST", .path = "/v1/invalidate", .body = R"({"all":true})"};
  ASSERT_OK(CallAdminAt(url, "wrong", all));
  EXPECT_EQ(cache_->GetStats().invalidated, 0u) << "nothing is done for who may not ask";
  EXPECT_EQ(asked, 5) << "no token at all is not looked at";
}

TEST_F(AdminTest, PortThatIsTakenIsNotShared) {
  const AdminTcp tcp{.is_token = [](std::string_view) { return true; }};
  const auto first = AdminServer::StartTcp(*cache_, {}, tcp);
  ASSERT_OK(first);
  const std::string& url = (*first)->address();
  AdminTcp same = tcp;
  same.port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  EXPECT_THAT(AdminServer::StartTcp(*cache_, {}, same).status(), HasCode(StatusCode::kUnavailable));
}

TEST_F(AdminTest, UrlThatIsNoneIsTold) {
  for (const char* url : {"", "127.0.0.1:1", "ftp://h", "http://", "http://h/v1", "http://me@h"}) {
    EXPECT_THAT(CallAdminAt(url, "t", {.method = "GET", .path = "/v1/stats"}).status(),
                HasCode(StatusCode::kInvalidArgument))
        << url;
  }
}

TEST_F(AdminTest, SocketGoesWithTheServer) {
  ASSERT_OK(Serve());
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_));
  EXPECT_THAT(Get("/v1/version"), HasCode(StatusCode::kUnavailable));
  ASSERT_OK(Serve());
  EXPECT_OK(Get("/v1/version"));
}

TEST_F(AdminTest, SocketOfADeadProcessIsReplaced) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  ASSERT_TRUE(std::filesystem::exists(socket_));
  ASSERT_OK(Serve());
  EXPECT_OK(Get("/v1/version"));
}

TEST_F(AdminTest, SocketOfALivingProcessIsLeftAlone) {
  ASSERT_OK(Serve());
  const auto second = AdminServer::Start(*cache_, {.socket = socket_});
  EXPECT_THAT(second, HasCode(StatusCode::kUnavailable));
  EXPECT_OK(Get("/v1/version"));
}

TEST_F(AdminTest, FileInTheWayIsLeftAlone) {
  std::ofstream(socket_) << "mine";
  EXPECT_THAT(Serve(), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(std::filesystem::file_size(socket_), 4U);
}

TEST_F(AdminTest, FolderThatIsNotThereIsTold) {
  socket_ = dir_ / "absent/admin.sock";
  EXPECT_THAT(Serve(), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(AdminTest, PathMayBeLongerThanASocketAddress) {
  const std::string folder = dir_ / (std::string(100, 'a') + "/" + std::string(100, 'b'));
  std::filesystem::create_directories(folder);
  socket_ = folder + "/admin.sock";
  ASSERT_OK(Serve());
  EXPECT_OK(Get("/v1/version"));
}

TEST_F(AdminTest, EntryIsReadAndRemoved) {
  ASSERT_OK(cache_->Put("k", "body", {.ttl = kForever, .tags = {"a"}, .cost_microusd = 7}));
  ASSERT_OK(Serve());
  const std::string path = "/v1/entries/" + ToBase64Url("k");
  const Result<std::string> meta = Get(path);
  ASSERT_OK(meta);
  const json entry = json::parse(*meta);
  EXPECT_EQ(entry["key"], "text:k");
  EXPECT_EQ(entry["state"], "fresh");
  EXPECT_EQ(entry["ttl_ms"], nullptr);
  EXPECT_EQ(entry["raw_bytes"], 4);
  EXPECT_EQ(entry["tags"], json({"a"}));
  EXPECT_EQ(entry["cost"], 7);
  EXPECT_EQ(entry["answer"], nullptr);
  const Result<std::string> body =
      Call({.method = "GET", .path = path, .query = {{"form", "stored"}}});
  ASSERT_OK(body);
  EXPECT_EQ(*body, "body");
  EXPECT_THAT(Call({.method = "GET", .path = path, .query = {{"form", "json"}}}),
              HasCode(StatusCode::kInvalidArgument));

  Result<std::string> removal = Call({.method = "DELETE", .path = path});
  ASSERT_OK(removal);
  EXPECT_EQ(json::parse(*removal)["removed"], true);
  EXPECT_FALSE(cache_->Get("k").has_value());
  EXPECT_THAT(Get(path), HasCode(StatusCode::kNotFound));
  removal = Call({.method = "DELETE", .path = path});
  ASSERT_OK(removal);
  EXPECT_EQ(json::parse(*removal)["removed"], false);
}

TEST_F(AdminTest, LongestKeyAndLargeBodyPass) {
  const std::string key(kMaxKeyBytes, '\xff');
  const std::string value(3 << 20, 'x');
  ASSERT_OK(cache_->Put(key, value));
  ASSERT_OK(Serve());
  const Result<std::string> body = Call(
      {.method = "GET", .path = "/v1/entries/" + ToBase64Url(key), .query = {{"form", "stored"}}});
  ASSERT_OK(body);
  EXPECT_EQ(*body, value);
}

TEST_F(AdminTest, InvalidationTakesEffect) {
  ASSERT_OK(cache_->Put("a", "1", {.tags = {"x"}}));
  ASSERT_OK(cache_->Put("b", "2", {.tags = {"y"}}));
  ASSERT_OK(Serve());
  const Result<std::string> answer = Post("/v1/invalidate", R"({"tags":["x","z"]})");
  ASSERT_OK(answer);
  EXPECT_GT(json::parse(*answer)["number"], 0);
  EXPECT_FALSE(cache_->Get("a").has_value());
  EXPECT_TRUE(cache_->Get("b").has_value());
  ASSERT_OK(Post("/v1/invalidate", R"({"all":true})"));
  EXPECT_FALSE(cache_->Get("b").has_value());
}

TEST_F(AdminTest, InvalidationThatSaysNothingClearIsRefused) {
  ASSERT_OK(cache_->Put("a", "1"));
  ASSERT_OK(Serve());
  for (const char* body : {"", "{}", "[]", R"({"all":false})", R"({"tags":[]})", R"({"tags":[1]})",
                           R"({"tags":["x"],"all":true})", R"({"tags":[""]})", R"({"prefix":""})",
                           R"({"prefix":"a!"})", R"({"prefix":1})", R"({"soft":true})",
                           R"({"all":true,"soft":1})", R"({"all":true,"sotf":true})"}) {
    EXPECT_THAT(Post("/v1/invalidate", body), HasCode(StatusCode::kInvalidArgument)) << body;
  }
  EXPECT_TRUE(cache_->Get("a").has_value());
}

TEST_F(AdminTest, ConfigurationIsOfAProcessThatHasOne) {
  ASSERT_OK(Serve());
  EXPECT_THAT(Call({.method = "GET", .path = "/v1/config"}), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(Call({.method = "PATCH", .path = "/v1/config", .body = "{}"}),
              HasCode(StatusCode::kNotFound));
}

TEST_F(AdminTest, ThereIsNoScopeBeforeTheCacheIsOpen) {
  cache_.reset();
  std::filesystem::remove(dir_ / "cache/state");
  std::filesystem::create_directory(dir_ / "cache/state");  // cannot be read
  Result<std::unique_ptr<Cache>> late = OpenLate({.directory = dir_ / "cache"});
  ASSERT_OK(late);
  cache_ = *std::move(late);
  ASSERT_OK(Serve());
  EXPECT_THAT(Post("/v1/scope", R"({"target":"/v1/x","headers":[["authorization","Bearer t"]]})"),
              HasCode(StatusCode::kUnavailable));
}

TEST_F(AdminTest, ScopeIsTheGatewaysAndTheSecretStays) {
  ASSERT_OK(Serve());
  const Result<std::string> answer =
      Post("/v1/scope", R"({"target":"/v1/x?key=q","headers":[["Authorization","Bearer t"]]})");
  ASSERT_OK(answer);
  client::Headers asked = {{"authorization", "Bearer t"}};
  const std::string secret(cache_->StoreSecret());
  EXPECT_EQ(json::parse(*answer)["scope"],
            client::CredentialScope({asked, "/v1/x?key=q", "openai"}, secret));
  EXPECT_THAT(*answer, Not(HasSubstr("Bearer")));
  asked.Add("x-auth-token", "a");
  const Result<std::string> http = Post(
      "/v1/scope",
      R"({"target":"/v1/x?key=q","headers":[["Authorization","Bearer t"],["x-auth-token","a"]],)"
      R"("dialect":"http"})");
  ASSERT_OK(http);
  EXPECT_EQ(json::parse(*http)["scope"],
            client::CredentialScope({asked, "/v1/x?key=q", "http"}, secret));
  for (const char* body :
       {"{}", R"({"target":1,"headers":[]})", R"({"target":"/","headers":[["a"]]})",
        R"({"target":"/","headers":{}})", R"({"target":"/","headers":[],"dialect":1})"}) {
    EXPECT_THAT(Post("/v1/scope", body), HasCode(StatusCode::kInvalidArgument)) << body;
  }
}

TEST_F(AdminTest, WhatIsNotPartOfTheApiIsRefused) {
  ASSERT_OK(Serve());
  EXPECT_THAT(Get("/v1/nothing"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Post("/v1/stats", "{}"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Get("/v1/entries/*"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Get("/v1/entries/"), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(AdminTest, AmbiguousFramingIsRefused) {
  ASSERT_OK(cache_->Put("a", "1"));
  ASSERT_OK(Serve());
  const std::string post = "POST /v1/invalidate HTTP/1.1\r\nHost: x\r\n";
  const std::string body = R"({"all":true})";
  for (const std::string& fields :
       {std::string("Transfer-Encoding: chunked\r\n\r\nc\r\n" + body + "\r\n0\r\n\r\n"),
        std::string("Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n" + body),
        std::string("Content-Length: 12\r\nContent-Length: 3\r\n\r\n" + body),
        std::string("Content-Length: 12, 12\r\n\r\n" + body),
        std::string("Content-Length: +12\r\n\r\n" + body), std::string("\r\n" + body)}) {
    EXPECT_THAT(Raw(post + fields), StartsWith("HTTP/1.1 400")) << fields;
  }
  EXPECT_THAT(Raw("GET /v1/" + std::string(7000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Raw(post + "Content-Length: 9999999\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(cache_->Get("a").has_value());
}

TEST_F(AdminTest, OneConnectionAnswersOneRequest) {
  ASSERT_OK(Serve());
  const std::string request = "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answer = Raw(request + request);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(answer.find("HTTP/1.1", 1), answer.npos);
}

TEST(Base64UrlTest, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(FromBase64Url(ToBase64Url(bytes)), bytes);
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(ToBase64Url("\xfb\xff"), "-_8");
  EXPECT_EQ(FromBase64Url("+/8="), "\xfb\xff");
  for (const char* text : {"a", "ab*d", "-_9", "aaaaa"}) {
    EXPECT_EQ(FromBase64Url(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace larder::admin
