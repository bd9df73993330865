// The HTTP server by itself: framing, limits, deadlines, drain; its handler is the test's.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "in_process_server.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

namespace asio = boost::asio;
using gateway::AnswerHead;
using gateway::Responder;
using gateway::ServerLimits;
using gateway::ServerRequest;
using namespace std::chrono_literals;

// Says what it was sent: method, target, fields, then the body.
asio::awaitable<void> Echo(ServerRequest& request, Responder& responder) {
  std::string text = request.method + " " + request.target + "\n";
  for (const client::Header& field : request.headers) {
    text += field.name + "=" + field.value + "\n";
  }
  AnswerHead head{200, {{"content-type", "application/octet-stream"}}};
  std::vector<SharedBytes> body;
  body.emplace_back(text + "\n" + request.body);
  co_await responder.Send(std::move(head), std::move(body));
}

// "one", "two", "three" in pieces; with `x-cut` it stops after two.
asio::awaitable<void> Stream(ServerRequest& request, Responder& responder) {
  const bool cut = request.headers.Has("x-cut");
  AnswerHead head{200, {}};
  co_await responder.Start(std::move(head));
  for (const char* word : {"one", "two", "three"}) {
    if (cut && std::string(word) == "three") co_return;
    SharedBytes piece{std::string(word)};
    co_await responder.Write(std::move(piece));
  }
  co_await responder.Finish();
}

TEST(HttpServerTest, RequestReachesTheHandlerByteForByte) {
  InProcessServer server(Echo);
  std::string body;
  for (int i = 0; i < 100'000; ++i) body.push_back(static_cast<char>(i * 7));
  const WireAnswer answer = Ask(server.url(), "FROBNICATE", "/a%2Fb/../c?x=%00&y", body,
                                {{"X-Odd", "a: b"}, {"x-odd", "twice"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            "FROBNICATE /a%2Fb/../c?x=%00&y\nhost=gateway\nX-Odd=a: b\nx-odd=twice\n"
            "content-length=100000\n\n" +
                body);
}

TEST(HttpServerTest, ChunkedBodyIsPutTogetherAndTrailersAreNoFields) {
  InProcessServer server(Echo);
  WireClient caller(server.url());
  caller.Send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
  caller.Send("5;ext=1\r\nhel");
  caller.Send("lo\r\n1\r\n!\r\n0\r\nauthorization: injected\r\n\r\n");
  const WireAnswer answer = caller.Read();
  EXPECT_EQ(answer.body, "POST /\nhost=a\ntransfer-encoding=chunked\n\nhello!");
  EXPECT_EQ(caller.Ask("GET", "/next").status, 200) << "the connection stays";
}

TEST(HttpServerTest, ChunkedBodyMayComeByteByByte) {
  InProcessServer server(Echo);
  for (const std::string body : {"0\r\n\r\n", "1\r\nx\r\n0\r\nx: y\r\n\r\n"}) {
    WireClient caller(server.url());
    caller.Send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    for (const char byte : body) caller.Send(std::string(1, byte));
    EXPECT_EQ(caller.Read().status, 200) << body;
    EXPECT_EQ(caller.Ask("GET", "/next").status, 200) << "the connection is in step";
  }
}

TEST(HttpServerTest, ManySmallChunksDoNotCostSquareTime) {
  InProcessServer server(Echo);
  WireClient caller(server.url());
  std::string request = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200'000; ++i) request += "1\r\nx\r\n";
  caller.Send(request + "0\r\n\r\n");
  EXPECT_TRUE(caller.Read().body.ends_with("\n\n" + std::string(200'000, 'x')));
}

TEST(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  InProcessServer server(Echo);
  WireClient caller(server.url());
  caller.Send(
      "\r\nGET /1 HTTP/1.1\r\nhost: a\r\n\r\nPOST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 2"
      "\r\n\r\nhiGET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(caller.Read().body.starts_with("GET /1\n"));
  EXPECT_TRUE(caller.Read().body.starts_with("POST /2\n"));
  const WireAnswer last = caller.Read();
  EXPECT_TRUE(last.body.starts_with("GET /3\n"));
  EXPECT_EQ(last.header("connection"), "close");
  EXPECT_TRUE(caller.IsClosed());
}

TEST(HttpServerTest, StreamIsChunkedPieceByPiece) {
  InProcessServer server(Stream);
  WireClient caller(server.url());
  const WireAnswer answer = caller.Ask("GET", "/");
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.chunks, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(caller.Ask("GET", "/").body, "onetwothree") << "the connection stays";
}

TEST(HttpServerTest, CutStreamNeverLooksWhole) {
  InProcessServer server(Stream);
  const WireAnswer answer = Ask(server.url(), "GET", "/", {}, {{"x-cut", "yes"}});
  EXPECT_EQ(answer.body, "onetwo");
  EXPECT_FALSE(answer.whole);
}

TEST(HttpServerTest, OldCallerGetsTheStreamUntilTheEndOfTheConnection) {
  InProcessServer server(Stream);
  WireClient caller(server.url());
  caller.Send("GET / HTTP/1.0\r\n\r\n");
  const WireAnswer answer = caller.Read();
  EXPECT_EQ(answer.header("transfer-encoding"), "");
  EXPECT_EQ(answer.body, "onetwothree");
  EXPECT_TRUE(answer.whole);

  WireClient other(server.url());
  other.Send("GET / HTTP/1.0\r\nx-cut: yes\r\n\r\n");
  const WireAnswer cut = other.Read();
  EXPECT_TRUE(cut.reset) << "an orderly end would say that the body is whole";
}

TEST(HttpServerTest, OldCallerKeepsTheConnectionIfItAsks) {
  InProcessServer server(Echo);
  WireClient caller(server.url());
  caller.Send("GET /1 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  EXPECT_EQ(caller.Read().header("connection"), "keep-alive");
  caller.Send("GET /2 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(caller.Read().header("connection"), "close");
  EXPECT_TRUE(caller.IsClosed());
}

TEST(HttpServerTest, HeadHasNoBodyAndKeepsTheConnectionInStep) {
  InProcessServer server(Stream);
  WireClient caller(server.url());
  EXPECT_EQ(caller.Ask("HEAD", "/").status, 200);
  EXPECT_EQ(caller.Ask("GET", "/").body, "onetwothree");
}

TEST(HttpServerTest, CallerThatExpectsContinueIsToldToGoOn) {
  InProcessServer server(Echo);
  WireClient caller(server.url());
  caller.Send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
  EXPECT_EQ(caller.ReadBytes(25), "HTTP/1.1 100 Continue\r\n\r\n");
  caller.Send("body");
  EXPECT_TRUE(caller.Read().body.ends_with("\n\nbody"));
}

TEST(HttpServerTest, BodyThatBreaksItsAnnouncedLengthEndsTheConnection) {
  InProcessServer server([](ServerRequest& request, Responder& responder) -> asio::awaitable<void> {
    AnswerHead head{200, {{"content-length", "5"}}};
    co_await responder.Start(std::move(head));
    SharedBytes piece(request.target.substr(1));
    co_await responder.Write(std::move(piece));
    co_await responder.Finish();
  });
  EXPECT_TRUE(Ask(server.url(), "GET", "/12345").whole);
  EXPECT_FALSE(Ask(server.url(), "GET", "/1234").whole);
  EXPECT_FALSE(Ask(server.url(), "GET", "/123456").whole);
}

TEST(HttpServerTest, NoFieldOfAnAnswerBeginsAnother) {
  InProcessServer server([](ServerRequest&, Responder& responder) -> asio::awaitable<void> {
    AnswerHead head{200, {{"x-a", "b\r\nset-cookie: stolen"}, {"transfer-encoding", "gzip"}}};
    std::vector<SharedBytes> nothing;
    co_await responder.Send(std::move(head), std::move(nothing));
  });
  const WireAnswer answer = Ask(server.url(), "GET", "/");
  EXPECT_EQ(answer.header("x-a"), "b  set-cookie: stolen");
  EXPECT_FALSE(answer.headers.Has("set-cookie"));
  EXPECT_FALSE(answer.headers.Has("transfer-encoding"));
}

TEST(HttpServerTest, HandlerThatFailsIsA500) {
  InProcessServer server([](ServerRequest&, Responder&) -> asio::awaitable<void> {
    throw std::runtime_error("boom");
    co_return;
  });
  const WireAnswer answer = Ask(server.url(), "GET", "/");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("boom"), std::string::npos);
}

struct Bad {
  const char* what;
  std::string request;
  int status = 400;
};

std::vector<Bad> BadRequests() {
  const std::string post = "POST / HTTP/1.1\r\nhost: a\r\n";
  return {
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"},
      {"both lengths", post + "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"both lengths, other order",
       post + "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n"},
      {"two lengths", post + "content-length: 4\r\ncontent-length: 5\r\n\r\nabcde"},
      {"the same length twice", post + "content-length: 4\r\ncontent-length: 4\r\n\r\nabcd"},
      {"a list of lengths", post + "content-length: 4, 4\r\n\r\nabcd"},
      {"signed length", post + "content-length: +4\r\n\r\nabcd"},
      {"hex length", post + "content-length: 0x4\r\n\r\nabcd"},
      {"huge length", post + "content-length: 99999999999999999999999\r\n\r\n"},
      {"unknown encoding", post + "transfer-encoding: gzip\r\n\r\n"},
      {"gzip, chunked", post + "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked, chunked", post + "transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked twice",
       post + "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"disguised chunked", post + "transfer-encoding: \x0b"
                                   "chunked\r\n\r\n0\r\n\r\n"},
      {"encoding with 1.0",
       "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"blank before the colon", post + "content-length : 4\r\n\r\nabcd"},
      {"bare LF", "GET / HTTP/1.1\nhost: a\n\n", 505},
      {"bare LF after a field", "GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n"},
      {"bare LF at the end of the head", "GET / HTTP/1.1\r\nhost: a\r\n\n"},
      {"bare CR in a value", "GET / HTTP/1.1\r\nhost: a\rx: y\r\n\r\n"},
      {"bare LF after a chunk size", post + "transfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"},
      {"bare LF after a chunk", post + "transfer-encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n"},
      {"empty length", post + "content-length: \r\n\r\n"},
      {"empty chunk size", post + "transfer-encoding: chunked\r\n\r\n\r\na\r\n0\r\n\r\n"},
      {"NUL in a value", std::string("GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n", 28)},
      {"bad chunk size", post + "transfer-encoding: chunked\r\n\r\nxyz\r\n"},
      {"negative chunk size", post + "transfer-encoding: chunked\r\n\r\n-1\r\n"},
      {"chunk longer than its size",
       post + "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
      {"chunk size over 64 bits",
       post + "transfer-encoding: chunked\r\n\r\n1ffffffffffffffff\r\nab\r\n0\r\n\r\n"},
      {"target without a path", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"},
      {"fragment", "GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n"},
      {"tunnel", "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n"},
      {"blank in the target", "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", 505},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
      {"unknown expectation", post + "expect: wonders\r\n\r\n", 417},
      {"websocket",
       "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 501},
  };
}

TEST(HttpServerTest, AmbiguousRequestsAreRefusedAndTheConnectionCloses) {
  std::atomic<int> handled = 0;
  InProcessServer server([&](ServerRequest& request, Responder& responder) {
    ++handled;
    return Echo(request, responder);
  });
  for (const Bad& bad : BadRequests()) {
    WireClient caller(server.url());
    caller.Send(bad.request);
    // What a smuggler would have the next hop see as a request of its own.
    caller.Send("GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n");
    const WireAnswer answer = caller.Read();
    EXPECT_EQ(answer.status, bad.status) << bad.what << ": " << answer.body;
    EXPECT_EQ(answer.header("connection"), "close") << bad.what;
    EXPECT_TRUE(answer.whole) << bad.what;
    EXPECT_TRUE(caller.IsClosed()) << bad.what;
  }
  EXPECT_EQ(handled, 0);
}

TEST(HttpServerTest, AbsoluteTargetIsItsPath) {
  InProcessServer server(Echo);
  EXPECT_TRUE(Ask(server.url(), "GET", "http://a/b?c").body.starts_with("GET /b?c\n"));
  EXPECT_TRUE(Ask(server.url(), "GET", "https://a?c").body.starts_with("GET /?c\n"));
}

TEST(HttpServerTest, HeadAndBodyOverTheirLimitsAreRefused) {
  ServerLimits limits;
  limits.max_body_bytes = 1000;
  InProcessServer server(Echo, limits);
  EXPECT_EQ(Ask(server.url(), "POST", "/", std::string(1000, 'x')).status, 200);
  // Large enough that the refusal would be lost if the rest were not read.
  const WireAnswer refused = Ask(server.url(), "POST", "/", std::string(4'000'000, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_NE(refused.body.find("1000"), std::string::npos) << refused.body;
  const std::string chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
  WireClient caller(server.url());
  caller.Send(chunked + "3e9\r\n");
  EXPECT_EQ(caller.Read().status, 413);
  const std::string endless(100'000, 'x');
  EXPECT_EQ(Ask(server.url(), "GET", "/", {}, {{"x-long", endless}}).status, 431);
  EXPECT_EQ(Ask(server.url(), "GET", "/" + endless).status, 431);
  WireClient extension(server.url());
  extension.Send(chunked + "1;" + endless);
  EXPECT_EQ(extension.Read().status, 400);
}

TEST(HttpServerTest, MoreFieldsThanAnybodyNeedsAreRefused) {
  InProcessServer server(Echo);
  client::Headers fields;
  for (int i = 0; i < 255; ++i) fields.Add("x", "y");
  EXPECT_EQ(Ask(server.url(), "GET", "/", {}, fields).status, 200);  // with host 256
  fields.Add("x", "y");
  const WireAnswer refused = Ask(server.url(), "GET", "/", {}, fields);
  EXPECT_EQ(refused.status, 431);
  EXPECT_NE(refused.body.find("256 fields"), std::string::npos) << refused.body;
}

TEST(HttpServerTest, TargetOverItsLimitIsRefused) {
  InProcessServer server(Echo);
  const std::string path = "/" + std::string((std::size_t{16} << 10) - 1, 'x');
  EXPECT_EQ(Ask(server.url(), "GET", path).status, 200);
  EXPECT_EQ(Ask(server.url(), "GET", path + "x").status, 414);
}

TEST(HttpServerTest, OneClientMayHoldOnlySoManyConnections) {
  InProcessServer server(Echo, {}, /*max_connections=*/1000, /*max_connections_per_client=*/2);
  WireClient first(server.url());
  auto second = std::make_optional<WireClient>(server.url());
  ASSERT_EQ(first.Ask("GET", "/").status, 200);
  ASSERT_EQ(second->Ask("GET", "/").status, 200);
  WireClient third(server.url());
  const WireAnswer answer = third.Read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "1");
  WireClient other(server.url(), 0, "127.0.0.2");
  EXPECT_EQ(other.Ask("GET", "/").status, 200) << "another client";
  second.reset();
  while (server.connections() > 2) std::this_thread::yield();
  EXPECT_EQ(WireClient(server.url()).Ask("GET", "/").status, 200) << "its place is free again";
}

TEST(HttpServerTest, CallerBeyondTheLimitIsTurnedAwayAndMayTryAgain) {
  InProcessServer server(Echo, {}, /*max_connections=*/1);
  WireClient first(server.url());
  ASSERT_EQ(first.Ask("GET", "/").status, 200);
  WireClient second(server.url());
  const WireAnswer answer = second.Read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.whole);
  EXPECT_FALSE(answer.headers.Has("x-should-retry"));
  EXPECT_TRUE(second.IsClosed());
  WireClient third(server.url());
  third.Send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n" +
             std::string(1'000'000, 'x'));
  EXPECT_EQ(third.Read().status, 503) << "whatever it still sends";
  EXPECT_EQ(first.Ask("GET", "/").status, 200);
}

// Whether the caller, which sends without a pause, is cut off within a minute.
bool IsCutOffWhileItSends(WireClient& caller) {
  const auto too_late = std::chrono::steady_clock::now() + 60s;
  const std::string bytes(4096, 'x');
  while (caller.Send(bytes)) {
    if (std::chrono::steady_clock::now() > too_late) return false;
  }
  return true;
}

TEST(HttpServerTest, CallerThatIsTurnedAwayIsCutOffThoughItSendsWithoutAPause) {
  ServerLimits limits;
  limits.linger_timeout = 300ms;
  InProcessServer server(Echo, limits, /*max_connections=*/1000, /*max_connections_per_client=*/1);
  WireClient first(server.url());
  ASSERT_EQ(first.Ask("GET", "/").status, 200);
  WireClient second(server.url());
  EXPECT_TRUE(IsCutOffWhileItSends(second));
}

TEST(HttpServerTest, DrainWaitsForNobodyWhoWasTurnedAway) {
  ServerLimits limits;
  limits.linger_timeout = 1h;
  InProcessServer server(Echo, limits, /*max_connections=*/1000, /*max_connections_per_client=*/1);
  WireClient first(server.url());
  ASSERT_EQ(first.Ask("GET", "/").status, 200);
  WireClient silent(server.url());
  ASSERT_EQ(silent.Read().status, 503);
  WireClient busy(server.url());
  ASSERT_EQ(busy.Read().status, 503);
  std::future<bool> cut =
      std::async(std::launch::async, [&] { return IsCutOffWhileItSends(busy); });
  EXPECT_TRUE(server.Drain());
  EXPECT_TRUE(cut.get());
}

TEST(HttpServerTest, SlowCallersAreCutOff) {
  ServerLimits limits;
  limits.idle_timeout = 300ms;
  limits.head_timeout = 300ms;
  limits.body_timeout = 300ms;
  InProcessServer server(Echo, limits);
  EXPECT_TRUE(WireClient(server.url()).IsClosed()) << "no request";
  WireClient head(server.url());
  head.Send("GET / HTTP/1.1\r\nhost");
  EXPECT_EQ(head.Read().status, 408);
  EXPECT_TRUE(head.IsClosed());
  WireClient body(server.url());
  body.Send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_EQ(body.Read().status, 408);
  EXPECT_TRUE(body.IsClosed());
  WireClient paused(server.url());
  paused.Send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000000\r\n\r\n" +
              std::string(4'000'000, 'x'));
  EXPECT_EQ(paused.Read().status, 408) << "the bytes that came were worth a quarter of an hour";
}

TEST(HttpServerTest, CallerThatTakesNothingStopsTheSourceAndIsCutOff) {
  ServerLimits limits;
  limits.write_timeout = 300ms;
  std::promise<std::size_t> written;
  InProcessServer server(
      [&](ServerRequest&, Responder& responder) -> asio::awaitable<void> {
        AnswerHead head{200, {}};
        co_await responder.Start(std::move(head));
        std::size_t bytes = 0;
        bool open = true;
        while (open && bytes < (std::size_t{256} << 20)) {
          SharedBytes piece(std::string(65536, 'x'));
          open = co_await responder.Write(std::move(piece));
          bytes += 65536;
        }
        written.set_value(bytes);
      },
      limits);
  WireClient caller(server.url(), 4096);
  caller.SendRequest("GET", "/");
  // What fits into the kernel's buffers, and not what the source has.
  EXPECT_LT(written.get_future().get(), std::size_t{32} << 20);
  EXPECT_FALSE(caller.Read().whole);
}

// Waits for ever; tells when it is cancelled.
FunctionHandler::Function Endless(std::promise<void>& begun, std::promise<void>& ended) {
  return [&](ServerRequest&, Responder&) -> asio::awaitable<void> {
    struct AtEnd {
      std::promise<void>& promise;
      ~AtEnd() { promise.set_value(); }
    } at_end{ended};
    begun.set_value();
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::use_awaitable);
  };
}

TEST(HttpServerTest, CallerThatHangsUpEndsItsHandler) {
  std::promise<void> begun;
  std::promise<void> ended;
  InProcessServer server(Endless(begun, ended));
  WireClient caller(server.url());
  caller.SendRequest("GET", "/");
  begun.get_future().wait();
  caller.Close();
  EXPECT_EQ(ended.get_future().wait_for(60s), std::future_status::ready);
}

TEST(HttpServerTest, DrainClosesIdleConnectionsAndFinishesStreams) {
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  InProcessServer server([&](ServerRequest&, Responder& responder) -> asio::awaitable<void> {
    AnswerHead head{200, {}};
    co_await responder.Start(std::move(head));
    SharedBytes first{std::string("first ")};
    co_await responder.Write(std::move(first));
    while (gate.wait_for(0s) != std::future_status::ready) {
      auto executor = co_await asio::this_coro::executor;
      asio::steady_timer timer(executor, 5ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
    SharedBytes last{std::string("last")};
    co_await responder.Write(std::move(last));
    co_await responder.Finish();
  });
  WireClient idle(server.url());
  WireClient busy(server.url());
  busy.SendRequest("GET", "/");
  WireAnswer answer = busy.ReadHead();
  ASSERT_TRUE(busy.ReadUntil(answer, "first "));
  std::future<bool> drained = std::async(std::launch::async, [&] { return server.Drain(); });
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_THROW(WireClient(server.url()), std::runtime_error) << "still accepts";
  go.set_value();
  busy.ReadRest(answer);
  EXPECT_EQ(answer.body, "first last");
  EXPECT_TRUE(answer.whole);
  EXPECT_TRUE(busy.IsClosed());
  EXPECT_TRUE(drained.get());
}

}  // namespace
}  // namespace larder::testing
