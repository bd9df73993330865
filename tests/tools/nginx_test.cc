// larderd behind nginx with TLS, by the very configuration that docs/operations.md shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "fake_upstream.h"
#include "gate.h"
#include "larder/client/asio/decorators.h"
#include "larderd_process.h"
#include "nginx_process.h"
#include "run_coroutine.h"
#include "run_program.h"
#include "status_matchers.h"
#include "temp_dir.h"
#include "test_certificates.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion", "created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
constexpr const char* kFirstEvent =
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"role\":\"assistant\",\"content\":\"hel\"},\"finish_reason\":null}]}\n\n";
constexpr const char* kRest =
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

// The block of docs/operations.md.
std::string ShownConfiguration() {
  std::ifstream file(LARDER_SOURCE_DIR "/docs/operations.md");
  std::string text;
  bool block = false;
  for (std::string line; std::getline(file, line);) {
    if (block && line == "```") return text;
    if (block) text += line + "\n";
    block = block || line == "```nginx";
  }
  throw std::runtime_error("docs/operations.md shows no nginx");
}

void Replace(std::string& text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("not in the configuration: " + what);
  text.replace(at, what.size(), by);
}

struct Fetched {
  int status = 0;
  client::Headers headers;
  std::string body;

  std::string header(const char* name) const { return headers.Joined(name); }
};

class NginxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (NginxProcess::Program().empty()) {
      GTEST_SKIP() << "(#7) nginx is not installed: scripts/setup does";
    }
    std::signal(SIGPIPE, SIG_IGN);
    gateway_ = std::make_unique<GatewayFixture>(upstream_.base_url());
    nginx_ = std::make_unique<NginxProcess>();
    std::string http = ShownConfiguration();
    Replace(http, "127.0.0.1:8080", gateway_->url().substr(std::string("http://").size()));
    Replace(http, "listen 443", "listen 127.0.0.1:" + std::to_string(nginx_->port()));
    Replace(http, "/etc/ssl/certs/llm.example.com.pem", Write("server.pem", server_.certificate));
    Replace(http, "/etc/ssl/private/llm.example.com.key", Write("server.key", server_.key));
    nginx_->Start(folder_.path(), http);
    client::ProviderConfig provider;
    provider.name = "front";
    provider.base_url = "https://localhost:" + std::to_string(nginx_->port());
    provider.tls.ca_file = Write("root.pem", root_.certificate);
    auto http_service = client::MakeHttp(io_, provider);
    ASSERT_OK(http_service);
    service_ = *std::move(http_service);
  }
  void TearDown() override { go_.Open(); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  client::Response Open(client::Request request) {
    auto response = RunCoroutine(io_, service_->Send(std::move(request)));
    if (!response.ok()) {
      throw std::runtime_error(response.status().ToString() + "\n" + nginx_->ErrorText());
    }
    return *std::move(response);
  }
  std::string ReadPiece(client::Response& response) {
    Result<SharedBytes> piece = RunCoroutine(io_, response.body->Read());
    if (!piece.ok()) throw std::runtime_error(piece.status().ToString());
    return std::string(piece->view());
  }
  std::string ReadRest(client::Response& response) {
    std::string rest;
    for (std::string piece = ReadPiece(response); !piece.empty(); piece = ReadPiece(response)) {
      rest += piece;
    }
    return rest;
  }
  Fetched Fetch(client::Request request) {
    client::Response response = Open(std::move(request));
    return {response.head.status, response.head.headers, ReadRest(response)};
  }
  static client::Request Chat(const std::string& key, bool stream = false) {
    client::Request request;
    request.target = kChat;
    request.headers = {{"authorization", "Bearer " + key}, {"content-type", "application/json"}};
    request.body = std::string(R"({"model":"m","messages":[{"role":"user","content":"hi"}])") +
                   (stream ? R"(,"stream":true})" : "}");
    return request;
  }
  // Asks until the stream is in the store: its caller has it before.
  Fetched StreamHit(const std::string& key) {
    Fetched fetched = Fetch(Chat(key, true));
    while (fetched.header("cache-status").find("collapsed") != std::string::npos) {
      fetched = Fetch(Chat(key, true));
    }
    return fetched;
  }

  Gate go_;
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) {
    if (exchange.target == "/v1/files") {
      return exchange.Answer(200, "application/octet-stream", exchange.body);
    }
    if (exchange.body.find("\"stream\"") == std::string::npos) {
      return exchange.Answer(200, "application/json", kAnswer, "x-request-id: r1\r\n");
    }
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(kFirstEvent);
    go_.Wait();
    exchange.Chunk(kRest);
    exchange.EndChunks();
  }};
  const TempDir folder_;
  const Certified root_ = MakeSelfSigned({.name = "root", .authority = true});
  const Certified server_ = Issue(root_, {.name = "localhost"});
  std::unique_ptr<GatewayFixture> gateway_;
  std::unique_ptr<NginxProcess> nginx_;
  boost::asio::io_context io_;
  std::shared_ptr<client::HttpService> service_;
};

TEST_F(NginxTest, AnswersAreTheSameBytesWithWhatLarderdSaysOfThem) {
  const Fetched miss = Fetch(Chat("one"));
  EXPECT_EQ(miss.status, 200);
  EXPECT_EQ(miss.body, kAnswer);
  EXPECT_EQ(miss.header("cache-status"), "larder; fwd=miss; stored");
  EXPECT_EQ(miss.header("x-request-id"), "r1");
  EXPECT_THAT(miss.header("server"), StartsWith("nginx"));
  const Fetched hit = Fetch(Chat("one"));
  EXPECT_EQ(hit.body, kAnswer);
  EXPECT_THAT(hit.header("cache-status"),
              MatchesRegex("larder; hit; ttl=[0-9]+; key=\"[0-9a-f]{64}\""));
  EXPECT_EQ(hit.header("age"), "0");
  EXPECT_THAT(hit.header("larder-saved"), HasSubstr("ms="));
  EXPECT_EQ(hit.header("content-length"), std::to_string(hit.body.size()));
  EXPECT_THAT(Fetch(Chat("two")).header("cache-status"), HasSubstr("fwd=miss")) << "her own scope";
  EXPECT_EQ(upstream_.requests(), 2);
}

TEST_F(NginxTest, StreamsArriveAsTheyCome) {
  client::Response stream = Open(Chat("one", true));
  EXPECT_EQ(stream.head.headers.Joined("cache-status"), "larder; fwd=miss");
  std::string first;
  while (first.size() < std::string(kFirstEvent).size()) first += ReadPiece(stream);
  EXPECT_EQ(first, kFirstEvent) << "while the provider waits";
  go_.Open();
  EXPECT_EQ(ReadRest(stream), kRest);
  const Fetched hit = StreamHit("one");
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit"));
  EXPECT_THAT(hit.header("content-type"), StartsWith("text/event-stream"));
  EXPECT_EQ(hit.body, std::string(kFirstEvent) + kRest);
  EXPECT_EQ(upstream_.requests(), 1);
}

TEST_F(NginxTest, CallerWhoJoinsARunningStreamHasItsBeginningAtOnce) {
  client::Response leader = Open(Chat("one", true));
  EXPECT_EQ(ReadPiece(leader), kFirstEvent);
  client::Response follower = Open(Chat("one", true));
  EXPECT_EQ(follower.head.headers.Joined("cache-status"), "larder; fwd=miss; collapsed");
  EXPECT_EQ(ReadPiece(follower), kFirstEvent);
  go_.Open();
  EXPECT_EQ(ReadRest(follower), kRest);
  EXPECT_EQ(ReadRest(leader), kRest);
  EXPECT_EQ(upstream_.requests(), 1);
}

TEST_F(NginxTest, LargeUploadsPassAndTooLargeOnesAreLarderdsToRefuse) {
  client::Request upload;
  upload.target = "/v1/files";
  upload.headers = {{"content-type", "application/octet-stream"}};
  upload.body.assign(std::size_t{5} << 20, '\0');
  for (std::size_t i = 0; i < upload.body.size(); i += 7) upload.body[i] = static_cast<char>(i);
  const Fetched back = Fetch(upload);
  EXPECT_EQ(back.status, 200);
  EXPECT_TRUE(back.body == upload.body);
  EXPECT_EQ(back.header("cache-status"), "larder; fwd=bypass");
  upload.body.resize((std::size_t{32} << 20) + 1);
  EXPECT_THAT(Fetch(upload).body, HasSubstr("max_body_bytes"));
}

TEST_F(NginxTest, CurlSpeaksHttp2ToItAndGetsTheSame) {
  Fetch(Chat("one"));
  const ProgramEnd end = RunProgram(
      {.words = {"/usr/bin/env", "curl", "--silent", "--show-error", "--http2", "--cacert",
                 folder_ / "root.pem", "--header", "authorization: Bearer one", "--header",
                 "content-type: application/json", "--data-binary", "@-", "--write-out",
                 "\n%{http_version} %header{cache-status}",
                 "https://localhost:" + std::to_string(nginx_->port()) + kChat},
       .input = Chat("one").body});
  ASSERT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, StartsWith(kAnswer + std::string("\n2 larder; hit; ")));
}

TEST_F(NginxTest, MetricsAreNotForTheWorld) {
  client::Request request;
  request.method = "GET";
  request.target = "/metrics";
  EXPECT_EQ(Fetch(request).status, 404);
  request.target = "/readyz";
  EXPECT_THAT(Fetch(request).body, HasSubstr("ready"));
}

}  // namespace
}  // namespace larder::testing
