// Callers who send or take a byte at a time: they are cut off by what they were given in all, not
// by their pauses, and slow nobody else.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
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
using Clock = std::chrono::steady_clock;

// What is without end is cut off long before.
constexpr auto kPatience = 20s;
constexpr auto kDrip = 20ms;

// As many bytes as its path says.
asio::awaitable<void> Answer(ServerRequest& request, Responder& responder) {
  AnswerHead head{200, {}};
  std::vector<SharedBytes> body;
  body.emplace_back(std::string(std::stoul(request.target.substr(1)), 'x'));
  co_await responder.Send(std::move(head), std::move(body));
}

ServerLimits Short() {
  ServerLimits limits;
  limits.head_timeout = 400ms;
  limits.body_timeout = 400ms;
  limits.write_timeout = 400ms;
  limits.min_body_bytes_per_second = 1000;  // 50 bytes a second come
  return limits;
}

// Sends `begin`, then `drip` again and again, and tells the answer that comes meanwhile.
WireAnswer Drip(const std::string& url, const std::string& begin, const std::string& drip,
                Clock::duration& lasted) {
  WireClient caller(url);
  const auto start = Clock::now();
  caller.Send(begin);
  std::atomic<bool> answered = false;
  std::thread dripping([&] {
    while (!answered && Clock::now() - start < kPatience && caller.Send(drip)) {
      std::this_thread::sleep_for(kDrip);  // it is what is tested: a caller with pauses
    }
  });
  WireAnswer answer = caller.Read();
  lasted = Clock::now() - start;
  answered = true;
  dripping.join();
  return answer;
}

class DripsTest : public ::testing::Test {
 protected:
  // While somebody drips, others are answered at once.
  void ExpectCutOff(const std::string& begin, const std::string& drip) {
    std::atomic<bool> over = false;
    Clock::duration slowest{0};
    int others = 0;
    std::thread other([&] {
      WireClient caller(server_.url());
      while (!over) {
        const auto start = Clock::now();
        ASSERT_EQ(caller.Ask("GET", "/100").status, 200);
        slowest = std::max(slowest, Clock::now() - start);
        ++others;
        std::this_thread::sleep_for(1ms);
      }
    });
    std::vector<std::thread> drippers;
    for (int i = 0; i < 8; ++i) {
      drippers.emplace_back([&] {
        Clock::duration lasted{};
        EXPECT_EQ(Drip(server_.url(), begin, drip, lasted).status, 408);
        EXPECT_LT(lasted, kPatience / 2);
      });
    }
    for (std::thread& dripper : drippers) dripper.join();
    over = true;
    other.join();
    EXPECT_GT(others, 10);
    EXPECT_LT(slowest, 5s);
  }

  InProcessServer server_{Answer, Short()};
};

TEST_F(DripsTest, HeadByteByByteIsCutOff) { ExpectCutOff("GET /1 HTTP/1.1\r\nx-long: ", "x"); }

TEST_F(DripsTest, HeadFieldByFieldIsCutOff) { ExpectCutOff("GET /1 HTTP/1.1\r\n", "a: b\r\n"); }

TEST_F(DripsTest, RequestLineByteByByteIsCutOff) { ExpectCutOff("GET /", "x"); }

TEST_F(DripsTest, EmptyLinesBeforeARequestAreCutOff) { ExpectCutOff("\r\n", "\r\n"); }

TEST_F(DripsTest, BodyByteByByteIsCutOff) {
  ExpectCutOff("POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n", "x");
}

TEST_F(DripsTest, ChunksOfAByteAreCutOff) {
  ExpectCutOff("POST /1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n");
}

TEST_F(DripsTest, ChunkHeaderByteByByteIsCutOff) {
  ExpectCutOff("POST /1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;e=", "x");
}

TEST_F(DripsTest, TrailersFieldByFieldAreCutOff) {
  ExpectCutOff("POST /1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
               "a: b\r\n");
}

TEST_F(DripsTest, PipelinedRequestThatDripsIsCutOff) {
  WireClient caller(server_.url());
  caller.Send("GET /5 HTTP/1.1\r\nhost: a\r\n\r\nGET /5 HT");
  EXPECT_EQ(caller.Read().body, "xxxxx");
  EXPECT_EQ(caller.Read().status, 408);
}

TEST_F(DripsTest, ReadersThatTakeAByteAtATimeSlowNobodyElse) {
  constexpr int kReaders = 32;
  std::vector<WireClient> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back(server_.url(), 4096);
    readers.back().SendRequest("GET", "/8000000");
  }
  std::atomic<bool> over = false;
  std::thread sipping([&] {
    while (!over) {
      for (WireClient& reader : readers) reader.ReadBytes(1);
    }
  });
  Clock::duration slowest{0};
  WireClient caller(server_.url());
  for (int i = 0; i < 200; ++i) {
    const auto start = Clock::now();
    ASSERT_EQ(caller.Ask("GET", "/100").status, 200);
    slowest = std::max(slowest, Clock::now() - start);
  }
  over = true;
  sipping.join();
  EXPECT_LT(slowest, 5s);
}

}  // namespace
}  // namespace larder::testing
