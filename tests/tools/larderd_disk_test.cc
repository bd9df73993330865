// larderd on a disk that hangs, fails or is full: requests are answered all the same, it ends in
// its time, and comes back by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "admin_client.h"
#include "failing_disk.h"
#include "fake_upstream.h"
#include "gate.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]})";

class LarderdDiskTest : public ::testing::Test {
 protected:
  LarderdDiskTest() {
    config_ = {{"cache", {{"directory", "data"}}},
               {"providers", {{"openai", {{"base_url", upstream_.base_url()}}}}},
               {"gateway", {{"listen", "127.0.0.1:0"}}}};
    WriteConfig();
  }
  ~LarderdDiskTest() override { go_.Open(); }

  void WriteConfig() const { std::ofstream(dir_ / "config.json") << config_; }
  void Start() {
    larderd_ = std::make_unique<LarderdProcess>(
        dir_.path(), std::vector<std::string>{"--config", "config.json"});
    url_ = larderd_->WaitUntilReady();
    ASSERT_NE(url_, "") << larderd_->ErrorText();
  }
  WireAnswer Chat(const std::string& prompt) const {
    return Ask(url_, "POST", "/v1/chat/completions",
               R"({"model":"m","messages":[{"role":"user","content":")" + prompt + "\"}]}");
  }
  std::string Status(const std::string& prompt) const {
    const WireAnswer answer = Chat(prompt);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, kAnswer);
    return answer.header("cache-status");
  }
  WireAnswer InvalidateOwn() const {
    return Ask(url_, "POST", "/larder/v1/invalidate", R"({"tags":["t"]})",
               {{"content-type", "application/json"}});
  }
  bool AdminAnswers() const {
    return admin::CallAdmin(dir_ / "data/admin.sock", {.method = "GET", .path = "/v1/stats"}).ok();
  }
  void WaitForAdmin() const {
    const auto end = Clock::now() + 1min;
    while (!AdminAnswers()) {
      ASSERT_LT(Clock::now(), end) << larderd_->ErrorText();
      std::this_thread::sleep_for(10ms);
    }
  }
  // Until it says so of itself.
  void WaitUntil(const std::string& degraded) const {
    const auto end = Clock::now() + 1min;
    const std::string wanted = R"("degraded":)" + degraded;
    while (Ask(url_, "GET", "/readyz").body.find(wanted) == std::string::npos) {
      ASSERT_LT(Clock::now(), end) << larderd_->ErrorText();
      std::this_thread::sleep_for(10ms);
    }
  }
  // Each is answered, with a store or without.
  void ExpectAnswers(const std::string& name) const {
    for (int i = 0; i < 20; ++i) Status(name + std::to_string(i));
    for (const char* page : {"/healthz", "/readyz", "/metrics"}) {
      EXPECT_EQ(Ask(url_, "GET", page).status, 200);
    }
    EXPECT_EQ(Ask(url_, "GET", "/v1/models").status, 200);
  }
  void ExpectServes(const std::string& prompt) const {
    EXPECT_THAT(Status(prompt), HasSubstr("fwd=miss; stored"));
    EXPECT_THAT(Status(prompt), HasSubstr("larder; hit"));
  }
  void ExpectEnds(std::chrono::seconds within) {
    const auto begin = Clock::now();
    larderd_->Signal(SIGTERM);
    ExpectEnded(begin, within);
  }
  // After one SIGTERM: a second one kills.
  void ExpectEnded(Clock::time_point begin, std::chrono::seconds within) {
    EXPECT_EQ(larderd_->Wait().exit_status, 0) << larderd_->ErrorText();
    EXPECT_LT(Clock::now() - begin, within);
  }

  TempDir dir_;
  Json config_;
  FailingDisk disk_{dir_.path()};
  Gate begun_;
  Gate go_;
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) {
    if (exchange.body.find("slowly") == std::string::npos) {
      return exchange.Answer(200, "application/json", kAnswer);
    }
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("data: first\n\n");
    begun_.Open();
    go_.Wait();
    exchange.Chunk("data: [DONE]\n\n");
    exchange.EndChunks();
  }};
  std::unique_ptr<LarderdProcess> larderd_;
  std::string url_;
};

TEST_F(LarderdDiskTest, DiskThatHangsHoldsUpNoRequestAndNoEnd) {
  Start();
  ExpectServes("before");
  disk_.Become(DiskState::kHangs);
  EXPECT_THAT(Status("before"), HasSubstr("larder; hit")) << "from memory";
  Status("who finds out");
  WaitUntil("true");
  const auto begin = Clock::now();
  ExpectAnswers("while it hangs");
  EXPECT_LT(Clock::now() - begin, 10s) << "nobody waits for it any more";
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  ExpectServes("after");

  WireClient caller(url_);
  caller.SendRequest("POST", "/v1/chat/completions",
                     R"({"model":"m","stream":true,"messages":["slowly"]})");
  ASSERT_TRUE(begun_.Wait());
  disk_.Become(DiskState::kHangs);
  Status("again");
  const auto ending = Clock::now();
  larderd_->Signal(SIGTERM);
  go_.Open();
  WireAnswer answer = caller.ReadHead();
  caller.ReadRest(answer);
  EXPECT_TRUE(answer.whole) << "what runs is finished";
  ExpectEnded(ending, 25s);
}

TEST_F(LarderdDiskTest, DiskThatFailsIsPassedByUntilItIsWell) {
  Start();
  ExpectServes("before");
  disk_.Become(DiskState::kBroken);
  ExpectAnswers("while it fails");
  WaitUntil("true");
  ExpectAnswers("and still fails");
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  ExpectServes("after");
  ExpectEnds(15s);
}

TEST_F(LarderdDiskTest, FullDiskIsPassedByUntilThereIsRoom) {
  Start();
  ExpectServes("before");
  disk_.Become(DiskState::kFull);
  ExpectAnswers("while it is full");
  EXPECT_THAT(Status("before"), HasSubstr("larder; hit"));
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  ExpectServes("after");
  ExpectEnds(15s);
}

TEST_F(LarderdDiskTest, StartsOnAFullDiskWithWhatItHad) {
  Start();
  ExpectServes("before");
  ExpectEnds(15s);
  disk_.Become(DiskState::kFull);
  Start();
  ExpectAnswers("while it is full");
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  EXPECT_THAT(Status("before"), HasSubstr("larder; hit"));
  ExpectServes("after");
}

// What it had is found again without a restart, when the disk is mended.
TEST_F(LarderdDiskTest, StartsOnADiskThatFails) {
  Start();
  ExpectServes("before");
  ExpectEnds(15s);
  disk_.Become(DiskState::kBroken);
  Start();
  ExpectAnswers("while it fails");
  WaitUntil("true");
  EXPECT_EQ(InvalidateOwn().status, 503) << "not acknowledged";
  EXPECT_FALSE(AdminAnswers());
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  EXPECT_THAT(Status("before"), HasSubstr("larder; hit"));
  ExpectServes("after");
  EXPECT_EQ(InvalidateOwn().status, 200);
  WaitForAdmin();
  ExpectEnds(15s);
}

TEST_F(LarderdDiskTest, StartsOnADiskThatHangs) {
  Start();
  ExpectServes("before");
  ExpectEnds(15s);
  disk_.Become(DiskState::kHangs);
  const auto begin = Clock::now();
  Start();
  ExpectAnswers("while it hangs");
  EXPECT_LT(Clock::now() - begin, 10s) << "nobody waits for it";
  WaitUntil("true");
  EXPECT_EQ(InvalidateOwn().status, 503);
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  EXPECT_THAT(Status("before"), HasSubstr("larder; hit"));
  ExpectServes("after");
  WaitForAdmin();
  ExpectEnds(15s);
}

TEST_F(LarderdDiskTest, EndsOnADiskThatHasHungFromTheStart) {
  Start();
  ExpectEnds(15s);
  disk_.Become(DiskState::kHangs);
  Start();
  Status("while it hangs");
  ExpectEnds(25s);
}

TEST_F(LarderdDiskTest, StartsOnAReadOnlyDisk) {
  Start();
  ExpectServes("before");
  ExpectEnds(15s);
  disk_.Become(DiskState::kReadOnly);
  Start();
  ExpectAnswers("while it is read-only");
  WaitUntil("true");
  disk_.Become(DiskState::kWell);
  WaitUntil("false");
  EXPECT_THAT(Status("before"), HasSubstr("larder; hit"));
  ExpectServes("after");
  ExpectEnds(15s);
}

TEST_F(LarderdDiskTest, LookupsThatHangHoldUpNobodyWhoComputes) {
  constexpr int kLookups = 8;  // more than there are threads for them
  Start();
  for (int i = 0; i < kLookups; ++i) Status("stored " + std::to_string(i));
  ExpectEnds(15s);
  std::filesystem::remove(dir_ / "data/hot");  // else they are read into memory again
  Start();
  disk_.Become(DiskState::kHangs);
  std::vector<std::thread> lookups;
  for (int i = 0; i < kLookups; ++i) {
    lookups.emplace_back([this, i] { Status("stored " + std::to_string(i)); });
  }
  for (std::thread& lookup : lookups) lookup.join();
  const std::string large(100'000, 'x');
  EXPECT_THAT(Status(large), HasSubstr("fwd=miss")) << "it was understood";
  const auto begin = Clock::now();
  constexpr int kBatches = 10;
  for (int i = 0; i < kBatches; ++i) {
    const std::string batch = R"({"model":"m","input":["a)" + std::to_string(i) + R"(","b"]})";
    EXPECT_EQ(Ask(url_, "POST", "/v1/embeddings", batch).status, 200);
  }
  EXPECT_LT(Clock::now() - begin, kBatches * 1s) << "each waited for the store";
}

TEST_F(LarderdDiskTest, ConfigurationIsTakenOverThoughTheDiskHangs) {
  Start();
  ExpectServes("before");
  disk_.Become(DiskState::kHangs);
  config_["cache"]["max_memory_bytes"] = "64MiB";
  WriteConfig();
  larderd_->Signal(SIGHUP);
  const auto end = Clock::now() + 1min;
  while (larderd_->ErrorText().find("max_memory_bytes") == std::string::npos) {
    ASSERT_LT(Clock::now(), end) << larderd_->ErrorText();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(Ask(url_, "GET", "/healthz").status, 200) << "a new connection is taken";
  ExpectEnds(25s);
}

class LarderdCassetteDiskTest : public LarderdDiskTest {
 protected:
  void StartTo(const std::string& mode) {
    SetMode(mode);
    Start();
  }
  void SetMode(const std::string& mode) {
    config_["gateway"]["mode"] = mode;
    WriteConfig();
  }
};

TEST_F(LarderdCassetteDiskTest, ReplayThatCannotReadItsRecordingsDoesNotSayThatThereAreNone) {
  StartTo("record");
  Status("recorded");
  ExpectEnds(15s);
  std::filesystem::remove(dir_ / "data/hot");  // else it is read into memory again
  StartTo("replay");
  disk_.Become(DiskState::kBroken);
  const WireAnswer answer = Chat("recorded");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_THAT(answer.header("cache-status"), HasSubstr("store-unavailable"));
  const WireAnswer batch =
      Ask(url_, "POST", "/v1/embeddings", R"({"model":"m","input":["a","b"]})");
  EXPECT_EQ(batch.status, 503) << batch.body;
  disk_.Become(DiskState::kWell);
  const auto end = Clock::now() + 1min;
  while (Chat("recorded").status != 200) {
    ASSERT_LT(Clock::now(), end) << larderd_->ErrorText();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_THAT(Status("recorded"), HasSubstr("larder; hit"));
  EXPECT_EQ(Chat("another").status, 504);
}

// What is asked of a provider meanwhile would be paid for and not recorded.
TEST_F(LarderdCassetteDiskTest, DoesNotBeginWithoutItsStore) {
  StartTo("record");
  Status("recorded");
  ExpectEnds(15s);
  disk_.Become(DiskState::kBroken);
  for (const char* mode : {"record", "replay"}) {
    SetMode(mode);
    LarderdProcess process(dir_.path(), {"--config", "config.json"});
    EXPECT_EQ(process.WaitUntilReady(), "");
    const Ended end = process.Wait();
    EXPECT_EQ(end.exit_status, 3) << end.err;
    EXPECT_THAT(end.err, HasSubstr("cache.directory"));
  }
}

TEST_F(LarderdDiskTest, EndsOnADiskThatFails) {
  Start();
  ExpectServes("before");
  disk_.Become(DiskState::kBroken);
  ExpectEnds(15s);
}

}  // namespace
}  // namespace larder::testing
