#include "curl_http_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <string>
#include <vector>

#include "curl_transfer.h"
#include "fake_upstream.h"
#include "gate.h"
#include "run_coroutine.h"
#include "silent_listener.h"

namespace larder::client {
namespace {

using larder::testing::FakeUpstream;
using larder::testing::Gate;
using larder::testing::RunCoroutine;
using larder::testing::SilentListener;
using larder::testing::UpstreamExchange;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

struct Answer {
  Status status;
  ResponseHead head;
  std::string body;
  bool cut = false;  // the head came, but the body did not end properly
};

boost::asio::awaitable<Answer> Fetch(HttpService& service, Request request) {
  Answer answer;
  Result<Response> response = co_await service.Send(std::move(request));
  if (!response.ok()) {
    answer.status = response.status();
    co_return answer;
  }
  answer.head = response->head;
  while (true) {
    Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok()) {
      answer.status = piece.status();
      answer.cut = true;
      co_return answer;
    }
    if (piece->empty()) co_return answer;
    answer.body += piece->view();
  }
}

Request Get(std::string target = "/") {
  Request request;
  request.method = "GET";
  request.target = std::move(target);
  return request;
}

Request Post(std::string body) {
  Request request;
  request.target = "/v1/things";
  request.body = std::move(body);
  return request;
}

class CurlHttpServiceTest : public ::testing::Test {
 protected:
  Answer Send(const FakeUpstream& upstream, Request request) {
    CurlHttpService service(io_, {upstream.base_url()}, limits_);
    return RunCoroutine(io_, Fetch(service, std::move(request)));
  }

  boost::asio::io_context io_;
  Timeouts limits_;
};

TEST_F(CurlHttpServiceTest, AnswerIsRelayedAsReceived) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Send(
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
        "HTTP/1.1 418 Teapot\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\nkeep-alive: timeout=5\r\n"
        "content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n");
    exchange.Chunk("\x1f\x8b not ");
    exchange.Chunk("unzipped");
    exchange.Send("0\r\nx-trailer: late\r\n\r\n");
  });
  const Answer answer = Send(upstream, Post("{}"));
  ASSERT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.head.status, 418);
  const Headers expected = {
      {"X-One", "1"}, {"x-two", "a"}, {"X-Two", "b"}, {"content-encoding", "gzip"}};
  EXPECT_THAT(std::vector<Header>(answer.head.headers.begin(), answer.head.headers.end()),
              ::testing::ElementsAreArray(expected.begin(), expected.end()));
  EXPECT_EQ(answer.body, "\x1f\x8b not unzipped");
  EXPECT_FALSE(answer.head.ends_by_close);
  EXPECT_FALSE(answer.head.cache.hit()) << "there is no cache";
}

TEST_F(CurlHttpServiceTest, RequestGoesOutAsGiven) {
  UpstreamExchange seen;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    seen = exchange;
    exchange.Answer(200, "text/plain", "ok");
  });
  Request request = Post("body");
  request.method = "PATCH";
  request.target = "/a/../b%2Fc?x=%20{1}";
  request.headers = {{"X-Empty", ""},         {"X-Two", "1"},       {"x-two", "2"},
                     {"Connection", "x-hop"}, {"X-Hop", "dropped"}, {"Host", "elsewhere"},
                     {"Content-Length", "99"}};
  ASSERT_TRUE(Send(upstream, request).status.ok());
  EXPECT_EQ(seen.head,
            "PATCH /a/../b%2Fc?x=%20{1} HTTP/1.1\r\nHost: " + upstream.base_url().substr(7) +
                "\r\nX-Empty:\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 4\r\n");
  EXPECT_EQ(seen.body, "body");
}

TEST_F(CurlHttpServiceTest, ManyFieldsGoOutInTheirOrderAndDoNotCostSquareTime) {
  UpstreamExchange seen;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    seen = exchange;
    exchange.Answer(200, "text/plain", "ok");
  });
  Request request = Get();
  std::string fields;
  for (int i = 0; i < 80'000; ++i) {
    request.headers.Add("x", std::to_string(i));
    fields += "x: " + std::to_string(i) + "\r\n";
  }
  ASSERT_TRUE(Send(upstream, request).status.ok());
  EXPECT_TRUE(seen.head.ends_with(fields));
}

TEST_F(CurlHttpServiceTest, LargeBodiesPassInBothDirections) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/plain", exchange.body + exchange.body);
  });
  const std::string body(5'000'000, 'x');
  const Answer answer = Send(upstream, Post(body));
  ASSERT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.body, body + body);
}

TEST_F(CurlHttpServiceTest, ConnectionIsUsedAgain) {
  FakeUpstream upstream([](UpstreamExchange& exchange) { exchange.Answer(200, "a/b", "ok"); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Send(upstream, Post("x")).body, "ok");
  EXPECT_EQ(upstream.requests(), 3);
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(CurlHttpServiceTest, RedirectIsNotFollowed) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Answer(302, "text/plain", "there", "location: /other\r\n");
  });
  EXPECT_EQ(Send(upstream, Get()).head.status, 302);
  EXPECT_EQ(upstream.requests(), 1);
}

TEST_F(CurlHttpServiceTest, HeadAndBodylessStatusesHaveNoBody) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    if (exchange.method == "HEAD") exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
    if (exchange.target == "/204") exchange.Send("HTTP/1.1 204 None\r\n\r\n");
    if (exchange.target == "/304") exchange.Send("HTTP/1.1 304 Same\r\ncontent-length: 9\r\n\r\n");
  });
  Request head = Get();
  head.method = "HEAD";
  Answer answer = Send(upstream, head);
  EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.head.headers.Joined("content-length"), "7");
  for (const char* target : {"/204", "/304"}) {
    answer = Send(upstream, Get(target));
    EXPECT_TRUE(answer.status.ok()) << target << ": " << answer.status.ToString();
    EXPECT_FALSE(answer.head.ends_by_close);
  }
}

TEST_F(CurlHttpServiceTest, BodyEndedByCloseIsFlagged) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\n\r\nall of it, or not");
    exchange.Close();
  });
  const Answer answer = Send(upstream, Get());
  EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.body, "all of it, or not");
  EXPECT_TRUE(answer.head.ends_by_close);
}

struct Misbehaviour {
  const char* name;
  std::string bytes;
  bool reset = false;
};
class MisbehavingUpstreamTest : public CurlHttpServiceTest,
                                public ::testing::WithParamInterface<Misbehaviour> {};

TEST_P(MisbehavingUpstreamTest, IsAnError) {
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.Send(GetParam().bytes);
    if (GetParam().reset) exchange.Reset();
    if (!GetParam().reset) exchange.Close();
  });
  const Answer answer = Send(upstream, Post("{}"));
  EXPECT_EQ(answer.status.code(), StatusCode::kUnavailable) << answer.status.ToString();
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
INSTANTIATE_TEST_SUITE_P(
    All, MisbehavingUpstreamTest,
    ::testing::Values(
        Misbehaviour{"Nothing", ""}, Misbehaviour{"NothingButAReset", "", true},
        Misbehaviour{"NoHead", "hello\r\n\r\n"}, Misbehaviour{"HalfAHead", kOk + "a: b\r\n"},
        Misbehaviour{"OnlyAnInterimHead", "HTTP/1.1 100 Continue\r\n\r\n"},
        Misbehaviour{"UnaskedUpgrade", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"},
        Misbehaviour{"TwoDigitStatus", "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"},
        Misbehaviour{"TwoLengths", kOk + "content-length: 2\r\ncontent-length: 2\r\n\r\nok"},
        Misbehaviour{"TwoLengthsInOne", kOk + "content-length: 2, 2\r\n\r\nok"},
        Misbehaviour{"NegativeLength", kOk + "content-length: -2\r\n\r\nok"},
        Misbehaviour{"JunkLength", kOk + "content-length: 2x\r\n\r\nok"},
        Misbehaviour{"LengthAndChunks", kOk + "content-length: 2\r\ntransfer-encoding: chunked"
                                              "\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
        Misbehaviour{"OtherCoding", kOk + "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        Misbehaviour{"FieldWithoutColon", kOk + "junk\r\ncontent-length: 0\r\n\r\n"},
        Misbehaviour{"BlankBeforeColon", kOk + "content-length : 0\r\n\r\n"},
        Misbehaviour{"FoldedField", kOk + "a: b\r\n c\r\ncontent-length: 0\r\n\r\n"},
        Misbehaviour{"HugeField", kOk + "a: " + std::string(70'000, 'x') + "\r\n\r\n"},
        Misbehaviour{"ManyFields",
                     [] {
                       std::string head = kOk;
                       for (int i = 0; i < 5'000; ++i) head += "x-many: of these\r\n";
                       return head + "content-length: 0\r\n\r\n";
                     }()},
        Misbehaviour{"ShortBody", kOk + "content-length: 10\r\n\r\nshort"},
        Misbehaviour{"ResetInBody", kOk + "content-length: 10\r\n\r\nshort", true},
        Misbehaviour{"ChunksWithoutEnd", kOk + "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n"},
        Misbehaviour{"CutChunk", kOk + "transfer-encoding: chunked\r\n\r\n5\r\nok"},
        Misbehaviour{"JunkChunk", kOk + "transfer-encoding: chunked\r\n\r\nzz\r\nok\r\n"}),
    [](const auto& value) { return std::string(value.param.name); });

TEST_F(CurlHttpServiceTest, WhatWouldBreakTheFramingIsNotSent) {
  FakeUpstream upstream([](UpstreamExchange& exchange) { exchange.Answer(200, "a/b", "ok"); });
  Request newline = Post("");
  newline.headers = {{"x-a", "b\r\nx-evil: c"}};
  EXPECT_EQ(Send(upstream, newline).status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Send(upstream, Get("/a b")).status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Send(upstream, Get("relative")).status.code(), StatusCode::kInvalidArgument);
  Request method = Get();
  method.method = "GET /x HTTP/1.1\r\n";
  EXPECT_EQ(Send(upstream, method).status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(upstream.requests(), 0);
}

TEST_F(CurlHttpServiceTest, NobodyListeningIsUnavailable) {
  std::string url;
  {
    FakeUpstream upstream([](UpstreamExchange&) {});
    url = upstream.base_url();
  }
  CurlHttpService service(io_, {url}, limits_);
  const Answer answer = RunCoroutine(io_, Fetch(service, Get()));
  EXPECT_EQ(answer.status.code(), StatusCode::kUnavailable) << answer.status.ToString();
}

TEST_F(CurlHttpServiceTest, HeadThatDoesNotComeIsBoundByFirstByte) {
  limits_.first_byte = 50ms;
  FakeUpstream upstream([](UpstreamExchange& exchange) { exchange.WaitForHangUp(); });
  for (const Request& request : {Get(), Post("x")}) {
    const Answer answer = Send(upstream, request);
    EXPECT_EQ(answer.status.code(), StatusCode::kDeadlineExceeded);
    EXPECT_THAT(answer.status.message(), ::testing::HasSubstr("first_byte"));
  }
}

TEST_F(CurlHttpServiceTest, SilenceInTheBodyIsBoundByIdle) {
  limits_.idle = 50ms;
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    exchange.WaitForHangUp();
  });
  const Answer answer = Send(upstream, Get());
  EXPECT_TRUE(answer.cut);
  EXPECT_EQ(answer.body, "one");
  EXPECT_EQ(answer.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(answer.status.message(), ::testing::HasSubstr("idle"));
}

TEST_F(CurlHttpServiceTest, DripsAreBoundByTotal) {
  limits_.total = 100ms;
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/plain");
    while (exchange.Chunk("drip")) std::this_thread::yield();
  });
  const Answer answer = Send(upstream, Get());
  EXPECT_EQ(answer.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(answer.status.message(), ::testing::HasSubstr("total"));
}

// One whose queue is full: connecting to it hangs.
class FullListener {
 public:
  FullListener() {
    const sockaddr_in address = listener_.address();
    for (int& socket : fillers_) {
      socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  ~FullListener() {
    for (const int socket : fillers_) ::close(socket);
  }
  std::string base_url() const { return "http://" + listener_.authority(); }

 private:
  const SilentListener listener_{0};
  int fillers_[4] = {};
};

TEST_F(CurlHttpServiceTest, ConnectingIsBoundByConnect) {
  limits_.connect = 50ms;
  const FullListener listener;
  CurlHttpService service(io_, {listener.base_url()}, limits_);
  const Answer answer = RunCoroutine(io_, Fetch(service, Get()));
  EXPECT_EQ(answer.status.code(), StatusCode::kDeadlineExceeded) << answer.status.ToString();
  EXPECT_THAT(answer.status.message(), ::testing::HasSubstr("connect"));
}

TEST_F(CurlHttpServiceTest, CancellingWhileConnectingEndsAtOnce) {
  const FullListener listener;
  CurlHttpService service(io_, {listener.base_url()}, limits_);
  boost::asio::cancellation_signal cancel;
  std::optional<StatusCode> code;
  boost::asio::co_spawn(io_, Fetch(service, Get()),
                        boost::asio::bind_cancellation_slot(
                            cancel.slot(), [&](const std::exception_ptr&, const Answer& answer) {
                              code = answer.status.code();
                            }));
  io_.poll();
  ASSERT_FALSE(code.has_value());
  cancel.emit(boost::asio::cancellation_type::terminal);
  io_.run();  // returns, so nothing is left under way
  EXPECT_EQ(code, StatusCode::kCancelled);
}

TEST_F(CurlHttpServiceTest, CancellingWhileWaitingHangsUp) {
  Gate asked;
  Gate hung_up;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    asked.Open();
    exchange.WaitForHangUp();
    hung_up.Open();
  });
  CurlHttpService service(io_, {upstream.base_url()}, limits_);
  boost::asio::cancellation_signal cancel;
  std::optional<StatusCode> code;
  boost::asio::co_spawn(io_, Fetch(service, Get()),
                        boost::asio::bind_cancellation_slot(
                            cancel.slot(), [&](const std::exception_ptr&, const Answer& answer) {
                              code = answer.status.code();
                            }));
  std::thread canceller([&] {
    asked.Wait();
    boost::asio::post(io_, [&] { cancel.emit(boost::asio::cancellation_type::terminal); });
  });
  io_.run();
  canceller.join();
  EXPECT_EQ(code, StatusCode::kCancelled);
  EXPECT_TRUE(hung_up.Wait());
}

TEST_F(CurlHttpServiceTest, DestroyingTheResponseHangsUp) {
  Gate hung_up;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/plain");
    exchange.Chunk("one");
    exchange.WaitForHangUp();
    hung_up.Open();
  });
  CurlHttpService service(io_, {upstream.base_url()}, limits_);
  {
    Result<Response> response = RunCoroutine(io_, service.Send(Get()));
    ASSERT_TRUE(response.ok());
  }
  EXPECT_TRUE(hung_up.Wait());
}

TEST_F(CurlHttpServiceTest, DestroyingTheLoopEndsWhatIsUnderWay) {
  Gate asked;
  Gate hung_up;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    asked.Open();
    exchange.WaitForHangUp();
    hung_up.Open();
  });
  {
    boost::asio::io_context io;
    CurlHttpService service(io, {upstream.base_url()}, limits_);
    boost::asio::co_spawn(io, Fetch(service, Get()), boost::asio::detached);
    std::thread stopper([&] {
      asked.Wait();
      io.stop();
    });
    io.run();
    stopper.join();
  }
  EXPECT_TRUE(hung_up.Wait());
}

TEST_F(CurlHttpServiceTest, SlowReaderHoldsTheSenderUp) {
  constexpr std::size_t kBytes = 32'000'000;
  Gate sent_a_lot;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBytes) + "\r\n\r\n");
    const std::string piece(100'000, 'x');
    for (std::size_t sent = 0; sent < kBytes; sent += piece.size()) {
      exchange.Send(piece);
      if (sent > 500'000) sent_a_lot.Open();
    }
  });
  CurlHttpService service(io_, {upstream.base_url()}, limits_);
  Result<Response> response = RunCoroutine(io_, service.Send(Get()));
  ASSERT_TRUE(response.ok());
  while (!sent_a_lot.Wait(1ms)) io_.poll();
  for (int i = 0; i < 1000; ++i) io_.poll();  // time enough to read far too much
  std::size_t received = 0;
  while (true) {
    Result<SharedBytes> piece = RunCoroutine(io_, response->body->Read());
    ASSERT_TRUE(piece.ok()) << piece.status().ToString();
    if (piece->empty()) break;
    ASSERT_LE(piece->size(), CurlTransfer::kMaxUnreadBytes + CURL_MAX_WRITE_SIZE);
    received += piece->size();
  }
  EXPECT_EQ(received, kBytes);
}

// Answers the first request of a connection and drops the connection on the second.
void AnswerOnceAConnection(UpstreamExchange& exchange) {
  static thread_local int answered_on = -1;
  if (exchange.connection == answered_on) return exchange.Close();
  answered_on = exchange.connection;
  exchange.Answer(200, "text/plain", "connection " + std::to_string(exchange.connection));
}

TEST_F(CurlHttpServiceTest, IdempotentOrRepeatableRequestSurvivesADeadConnection) {
  Request repeatable = Post("x");
  repeatable.repeatable = true;
  Request keyed = Post("x");
  keyed.headers = {{"Idempotency-Key", "1"}};
  for (const Request& request : {Get(), repeatable, keyed}) {
    FakeUpstream upstream(AnswerOnceAConnection);
    EXPECT_EQ(Send(upstream, request).body, "connection 0");
    EXPECT_EQ(Send(upstream, request).body, "connection 1");
    EXPECT_EQ(upstream.requests(), 3);
  }
}

TEST_F(CurlHttpServiceTest, OtherPostIsNotSentTwice) {
  FakeUpstream upstream(AnswerOnceAConnection);
  EXPECT_EQ(Send(upstream, Post("x")).body, "connection 0");
  const Answer second = Send(upstream, Post("x"));
  EXPECT_EQ(second.status.code(), StatusCode::kUnavailable) << second.status.ToString();
  EXPECT_EQ(upstream.requests(), 2);
}

TEST_F(CurlHttpServiceTest, OtherPostWithoutBodyGetsANewConnection) {
  FakeUpstream upstream(AnswerOnceAConnection);
  EXPECT_EQ(Send(upstream, Post("")).body, "connection 0");
  EXPECT_EQ(Send(upstream, Post("")).body, "connection 1");
  EXPECT_EQ(upstream.requests(), 2);
}

TEST_F(CurlHttpServiceTest, RepeatableRequestIsSentAtMostTwice) {
  std::atomic<bool> broken = false;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    if (broken) return exchange.Close();
    exchange.Answer(200, "text/plain", "ok");
  });
  Request request = Post("x");
  request.repeatable = true;
  EXPECT_EQ(Send(upstream, request).body, "ok");
  broken = true;
  EXPECT_EQ(Send(upstream, request).status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(upstream.requests(), 3);
}

}  // namespace
}  // namespace larder::client
