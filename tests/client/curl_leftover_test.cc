// What is left on a kept connection, asked for by nobody.
#include "curl_leftover.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>

#include "curl_http_service.h"
#include "fake_upstream.h"
#include "gate.h"
#include "run_coroutine.h"

namespace larder::client {
namespace {

using larder::testing::FakeUpstream;
using larder::testing::Gate;
using larder::testing::RunCoroutine;
using larder::testing::UpstreamExchange;

// What an upstream sends too much of must not become the answer to somebody else's request.
class CurlLeftoverTest : public ::testing::Test {
 protected:
  // After the first answer `leftover` comes, when that answer has been read.
  void Serve(std::string leftover) {
    upstream_ = std::make_unique<FakeUpstream>(
        [this, leftover = std::move(leftover)](UpstreamExchange& exchange) {
          exchange.Answer(200, "a/b", "answer " + std::to_string(exchange.number));
          if (exchange.number > 0) return;
          read_.Wait();
          exchange.Send(leftover);
          sent_.Open();
        });
  }
  void AskTwice(const Request& request) {
    CurlHttpService service(io_, {upstream_->base_url()}, Timeouts());
    EXPECT_EQ(RunCoroutine(io_, Fetch(service, request)), "answer 0");
    read_.Open();
    sent_.Wait();
    EXPECT_EQ(RunCoroutine(io_, Fetch(service, request)), "answer 1");
    EXPECT_EQ(upstream_->requests(), 2);
  }

  static boost::asio::awaitable<std::string> Fetch(HttpService& service, Request request) {
    Result<Response> response = co_await service.Send(std::move(request));
    if (!response.ok()) co_return response.status().message();
    std::string body;
    while (true) {
      const Result<SharedBytes> piece = co_await response->body->Read();
      if (!piece.ok()) co_return piece.status().message();
      if (piece->empty()) co_return body;
      body += piece->view();
    }
  }
  static Request Get() {
    Request request;
    request.method = "GET";
    request.target = "/";
    return request;
  }

  boost::asio::io_context io_;
  Gate read_;
  Gate sent_;
  std::unique_ptr<FakeUpstream> upstream_;
};

TEST_F(CurlLeftoverTest, AnAnswerTooManyIsNobodys) {
  Serve("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
  AskTwice(Get());
  EXPECT_EQ(upstream_->connections(), 2);
}

TEST_F(CurlLeftoverTest, NorIsItOfARequestThatMayNotBeSentTwice) {
  Serve("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
  Request post;
  post.target = "/";
  post.body = std::string(100'000, 'x');
  AskTwice(post);
  EXPECT_EQ(upstream_->connections(), 2);
}

TEST_F(CurlLeftoverTest, TheRestOfAnAnswerThatIsLongerThanItsLengthIsDropped) {
  Serve("rest");
  AskTwice(Get());
  EXPECT_EQ(upstream_->connections(), 2);
}

TEST_F(CurlLeftoverTest, AConnectionWithNothingLeftIsUsedAgain) {
  Serve("");
  AskTwice(Get());
  EXPECT_EQ(upstream_->connections(), 1);
}

}  // namespace
}  // namespace larder::client
