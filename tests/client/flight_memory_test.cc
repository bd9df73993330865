// What answers under way may take together, however slow their readers are.
#include "larder/client/flight_memory.h"

#include <gmock/gmock.h>

#include <string>
#include <thread>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using testing::HasCode;
using ::testing::StartsWith;

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string TextOf(std::size_t bytes) { return std::string(bytes, 't'); }

TEST(FlightMemoryTest, CountsWhatIsKeptUntilNobodyHoldsItAnyMore) {
  const std::shared_ptr<FlightMemory> memory = FlightMemory::Make(100);
  std::optional<SharedBytes> kept = memory->Keep(SharedBytes(TextOf(40)));
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->view(), TextOf(40));
  EXPECT_EQ(memory->taken_bytes(), 40U);
  EXPECT_FALSE(memory->IsTight());
  SharedBytes part = kept->Slice(10, 5);
  kept.reset();
  EXPECT_EQ(memory->taken_bytes(), 40U) << "a part holds the whole";
  part = {};
  EXPECT_EQ(memory->taken_bytes(), 0U);
}

TEST(FlightMemoryTest, IsTightFromHalfOnAndTakesNoMoreThanAll) {
  const std::shared_ptr<FlightMemory> memory = FlightMemory::Make(100);
  std::optional<SharedBytes> half = memory->Keep(SharedBytes(TextOf(50)));
  EXPECT_TRUE(memory->IsTight());
  EXPECT_FALSE(memory->Keep(SharedBytes(TextOf(51))).has_value());
  EXPECT_EQ(memory->taken_bytes(), 50U);
  const std::optional<SharedBytes> rest = memory->Keep(SharedBytes(TextOf(50)));
  EXPECT_TRUE(rest.has_value());
  half.reset();
  EXPECT_EQ(memory->taken_bytes(), 50U);
}

class FlightsInMemoryTest : public CachingFixture {
 protected:
  // A stream with so much text in it, of which the first event goes out at once.
  void ServeStreamsOf(std::size_t bytes) {
    Serve([this, bytes](UpstreamExchange& exchange) {
      exchange.BeginChunks(200, "text/event-stream");
      std::size_t sent = 0;
      for (const std::string& event : ChatEvents(true, TextOf(bytes))) {
        if (!exchange.Chunk(event)) return;
        if (sent++ == 0) asked_.Open();
      }
      exchange.EndChunks();
    });
  }
  void WaitForTaken(std::uint64_t least, std::uint64_t most) const {
    const auto too_late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto taken = [this] { return flight_memory_->taken_bytes(); };
    while ((taken() < least || taken() > most) && std::chrono::steady_clock::now() < too_late) {
      std::this_thread::yield();
    }
    EXPECT_GE(taken(), least);
    EXPECT_LE(taken(), most);
  }
};

TEST_F(FlightsInMemoryTest, SmallAnswersAreNotCounted) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", ChatJson(TextOf(10'000)));
  });
  auto caller = worker().Open(ChatRequest());
  EXPECT_TRUE(caller->Read().has_value());
  EXPECT_EQ(flight_memory_->taken_bytes(), 0U);
}

TEST_F(FlightsInMemoryTest, WhatASlowReaderHoldsCountsUntilItIsGone) {
  ServeStreamsOf(kMiB);
  auto slow = worker().Open(ChatStreamRequest(true));
  EXPECT_TRUE(slow->Read().has_value());
  WaitForStores(1);  // all of it has come
  WaitForTaken(kMiB - limits_.uncounted_bytes - 64 * 1024, 2 * kMiB);
  slow->HangUp();
  WaitForTaken(0, 0);
}

TEST_F(FlightsInMemoryTest, AnAnswerThatFindsNoRoomIsCutAndLeavesNothing) {
  flight_memory_ = FlightMemory::Make(kMiB);
  ServeStreamsOf(2 * kMiB);
  const Answer cut = Ask(ChatStreamRequest(true));
  EXPECT_TRUE(cut.cut);
  EXPECT_THAT(cut.status, HasCode(StatusCode::kUnavailable));
  WaitForRefusals(1);
  EXPECT_EQ(refusals_->Counts()["flight-memory"], 1U);
  WaitForTaken(0, 0);
  EXPECT_EQ(cache_->GetStats().stores, 0U);
}

TEST_F(FlightsInMemoryTest, WhereItIsTightRequestsPassByTheCacheAtTheirReadersPace) {
  flight_memory_ = FlightMemory::Make(2 * kMiB);
  ServeStreamsOf(3 * kMiB);
  std::optional<SharedBytes> others = flight_memory_->Keep(SharedBytes(TextOf(kMiB)));
  const Answer passed = Ask(ChatStreamRequest(true));
  EXPECT_OK(passed.status);
  EXPECT_FALSE(passed.cut);
  EXPECT_EQ(passed.cache, "larder; fwd=bypass; detail=flight-memory");
  EXPECT_GT(passed.body.size(), 3 * kMiB);
  EXPECT_EQ(flight_memory_->taken_bytes(), kMiB);
  others.reset();
  flight_memory_ = FlightMemory::Make();
  const auto roomy = MakeWorker();
  EXPECT_THAT(roomy->Ask(ChatStreamRequest(true)).cache, StartsWith("larder; fwd=miss"));
}

}  // namespace
}  // namespace larder::client
