// Many callers that upload much at once, before the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fake_upstream.h"
#include "gate.h"
#include "larderd_process.h"
#include "prometheus_text.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kOfSanitizer = 16;  // shadow, and what is kept back once it is freed
#else
constexpr std::size_t kOfSanitizer = 1;
#endif

class LarderdUploadTest : public ::testing::Test {
 protected:
  ~LarderdUploadTest() override { go_.Open(); }

  // `path`: of an endpoint that is cached, or another.
  WireAnswer Upload(const char* path, std::size_t bytes) {
    return Ask(gateway_.url(), "POST", path,
               R"({"model":"m","messages":[{"role":"user","content":")" + std::string(bytes, 'x') +
                   "\"}]}");
  }
  double TurnedAway() const {
    return ReadPrometheusText(Ask(gateway_.url(), "GET", "/metrics").body)
        .Value(R"(larder_turned_away_total{reason="request_memory"})");
  }

  Gate go_;
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) {
    go_.Wait();
    exchange.Answer(200, "application/json", "{}");
  }};
  GatewayFixture gateway_{
      upstream_.base_url(),
      {{"gateway", R"({"max_body_bytes": "16MiB", "max_request_memory_bytes": "64MiB"})"}}};
};

TEST_F(LarderdUploadTest, TogetherTakeNoMoreMemoryThanIsAllowed) {
  constexpr int kCallers = 60;
  std::atomic<int> refused = 0;
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, path = i % 2 == 0 ? "/v1/chat/completions" : "/v1/files"] {
      const WireAnswer answer = Upload(path, 12 * kMiB);
      // 0: the refusal was lost, as it was still sending long after.
      EXPECT_THAT(answer.status, ::testing::AnyOf(200, 503, 0));
      EXPECT_EQ(answer.header("retry-after"), answer.status == 503 ? "1" : "");
      ++(answer.status == 200 ? answered : refused);
      // Five fit; the others need not wait for those.
      if (refused >= kCallers - 5) go_.Open();
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(TurnedAway(), refused);
  EXPECT_GT(answered, 0);
  // 720 MiB came in all; a request under way may hold its body twice.
  EXPECT_LT(gateway_.process().PeakMemory(), 300 * kMiB * kOfSanitizer);
  EXPECT_NE(Upload("/v1/files", 12 * kMiB).status, 503) << "all was given back";
}

TEST_F(LarderdUploadTest, CallsThatGoOnWithoutTheirCallersCount) {
  for (int i = 0; i < 5; ++i) {
    WireClient caller(gateway_.url());
    caller.SendRequest("POST", "/v1/chat/completions",
                       R"({"model":")" + std::to_string(i) + R"(","messages":")" +
                           std::string(12 * kMiB, 'x') + "\"}");
    while (upstream_.requests() <= i) std::this_thread::yield();
  }
  EXPECT_EQ(Upload("/v1/files", 12 * kMiB).status, 503);
  go_.Open();
  while (Upload("/v1/files", 12 * kMiB).status == 503) std::this_thread::yield();
}

}  // namespace
}  // namespace larder::testing
