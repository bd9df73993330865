// Callers that take their time with large answers, before the real program.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "prometheus_text.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMiB = std::size_t{1} << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kOfSanitizer = 16;  // shadow, and what is kept back once it is freed
#else
constexpr std::size_t kOfSanitizer = 1;
#endif

// About 1 MiB each.
std::string Vector() {
  std::string text = "[0.5";
  while (text.size() < kMiB) text += ",0.0123456789";
  return text + "]";
}

class LarderdSlowReadersTest : public ::testing::Test {
 protected:
  static std::string Batch(int inputs) {
    Json input = Json::array();
    for (int i = 0; i < inputs; ++i) input.push_back("text " + std::to_string(i));
    return Json{{"model", "m"}, {"input", input}}.dump();
  }
  WireAnswer Embed(int inputs) const {
    return Ask(gateway_.url(), "POST", "/v1/embeddings", Batch(inputs));
  }
  std::string Small() const {
    const std::string body = R"({"model":"m","input":["small"]})";
    return Ask(gateway_.url(), "POST", "/v1/embeddings", body).header("cache-status").substr(0, 11);
  }
  double TurnedAway() const {
    return ReadPrometheusText(Ask(gateway_.url(), "GET", "/metrics").body)
        .Value(R"(larder_turned_away_total{reason="answer_memory"})");
  }

  FakeUpstream upstream_{[](UpstreamExchange& exchange) {
    const bool small = exchange.body.find("small") != std::string::npos;
    const std::string vector = small ? "[0.5]" : Vector();
    std::string data;
    const std::size_t inputs = Json::parse(exchange.body)["input"].size();
    for (std::size_t i = 0; i < inputs; ++i) {
      data += std::string(i == 0 ? "" : ",") + R"({"object":"embedding","index":)" +
              std::to_string(i) + R"(,"embedding":)" + vector + "}";
    }
    exchange.Answer(200, "application/json",
                    R"({"object":"list","model":"m","data":[)" + data + "]}");
  }};
  GatewayFixture gateway_{
      upstream_.base_url(),
      {{"gateway", R"({"max_body_bytes": "1MiB", "max_request_memory_bytes": "32MiB"})"}}};
};

TEST_F(LarderdSlowReadersTest, TogetherTakeNoMoreMemoryThanIsAllowed) {
  constexpr int kInputs = 8;
  const WireAnswer first = Embed(kInputs);
  ASSERT_EQ(first.status, 200) << first.header("cache-status");
  ASSERT_EQ(Embed(kInputs).header("cache-status").substr(0, 11), "larder; hit");
  Small();
  int served = 0;
  int refused = 0;
  {
    std::vector<WireClient> readers;
    for (int i = 0; i < 24; ++i) {
      WireClient& reader = readers.emplace_back(gateway_.url(), 4096);
      reader.SendRequest("POST", "/v1/embeddings", Batch(kInputs));
      const WireAnswer head = reader.ReadHead();
      if (head.status == 200) ++served;
      if (head.status != 503) continue;
      ++refused;
      EXPECT_EQ(head.header("retry-after"), "1");
      EXPECT_EQ(head.header("x-should-retry"), "");
    }
    EXPECT_GT(served, 0);
    EXPECT_EQ(served + refused, 24);
    EXPECT_LE(served, 4) << "more than 32 MiB";
    EXPECT_EQ(TurnedAway(), refused);
    // 192 MiB would have been held; one batch more is put together before it is refused, and what
    // it is made of lies there too.
    EXPECT_LT(gateway_.process().PeakMemory(), 180 * kMiB * kOfSanitizer);
    EXPECT_EQ(Small(), "larder; hit") << "others are answered";
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (Embed(kInputs).status != 200) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "what they had is not given back";
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace larder::testing
