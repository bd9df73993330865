#include "response_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>

#include "fake_clock.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using std::chrono_literals::operator""s;
using LeasePtr = std::unique_ptr<ResponseLease>;
using FlightPtr = std::shared_ptr<const ResponseFlight>;

class ResponseCacheTest : public ::testing::Test {
 protected:
  ResponseCacheTest() {
    Options options;
    options.directory = dir_ / "cache";
    options.clock = &clock_;
    cache_ = *Cache::Open(options);
    responses_ = MakeResponseCache(*cache_);
  }

  ResponseAcquired Acquire(const ReadOptions& options = {}) {
    return responses_->Acquire("key", options, opening_);
  }
  LeasePtr Lead() { return std::get<LeasePtr>(Acquire()); }
  FlightPtr Join() { return std::get<FlightPtr>(Acquire()); }
  static StoredResponse Info() {
    StoredResponse info;
    info.model = "m";
    return info;
  }
  // What a callback was given, which must have come at once.
  template <typename T, typename Ask>
  static T Now(Ask ask) {
    std::optional<T> given;
    ask([&](T value) { given = std::move(value); });
    return given.value();
  }
  // Written by a thread of the cache.
  static bool IsStored(const FlightPtr& flight) {
    const auto stored = std::make_shared<std::promise<bool>>();
    flight->OnWritten([stored](bool value) { stored->set_value(value); });
    return stored->get_future().get();
  }
  static FlightOutcome EndOf(const FlightPtr& flight) {
    return Now<FlightOutcome>([&](auto give) { flight->OnEnd(give); });
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<ResponseCache> responses_;
  FlightOpening opening_{.stream = true, .wants_usage = true};
};

TEST_F(ResponseCacheTest, CommittedAnswerIsAHitWithItsFacts) {
  WriteOptions options;
  options.ttl = 100s;
  options.cost_microusd = 7;
  Lead()->Commit(Info(), "body", options);
  clock_.Advance(40s);
  const auto hit = std::get<CachedResponse>(Acquire());
  EXPECT_EQ(hit.body.view(), "body");
  EXPECT_EQ(hit.info.model, "m");
  EXPECT_EQ(hit.age, 40s);
  EXPECT_EQ(hit.ttl, 60s);
  EXPECT_EQ(hit.cost_microusd, 7);
  EXPECT_TRUE(responses_->GetInMemory("key", {}).has_value());
  EXPECT_TRUE(responses_->Get("key", {}).has_value());
  EXPECT_FALSE(responses_->Get("other", {}).has_value());
}

TEST_F(ResponseCacheTest, AnswerWithoutExpiryHasNoTtl) {
  WriteOptions options;
  options.ttl = kForever;
  Lead()->Commit(Info(), "body", options);
  EXPECT_EQ(std::get<CachedResponse>(Acquire()).ttl, std::nullopt);
}

TEST_F(ResponseCacheTest, FollowerGetsOpeningHeadBodyAndEndInOrder) {
  LeasePtr lease = Lead();
  const FlightPtr flight = Join();
  const auto opening =
      Now<std::optional<FlightOpening>>([&](auto give) { flight->OnOpening(give); });
  ASSERT_TRUE(opening.has_value());
  EXPECT_TRUE(opening->stream);
  EXPECT_TRUE(opening->wants_usage);

  FlightHead sent{.kind = AnswerKind::kEvents, .status = 206, .headers = {{"A", "b"}, {"c", ""}}};
  lease->AppendHead(sent);
  const auto head = Now<std::optional<FlightHead>>([&](auto give) { flight->OnHead(give); });
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->kind, AnswerKind::kEvents);
  EXPECT_EQ(head->status, 206);
  EXPECT_TRUE(std::equal(head->headers.begin(), head->headers.end(), sent.headers.begin(),
                         sent.headers.end()));

  lease->AppendBody(SharedBytes(std::string("piece")));
  lease->AppendBody(SharedBytes());
  const auto piece_at = [&](std::size_t index) {
    return Now<std::optional<SharedBytes>>([&](auto give) { flight->OnBody(index, give); });
  };
  EXPECT_EQ(piece_at(0)->view(), "piece");
  EXPECT_TRUE(piece_at(1)->empty());
  lease->Commit(Info(), "piece", {});
  EXPECT_FALSE(piece_at(2).has_value());
  const FlightOutcome outcome = EndOf(flight);
  ASSERT_OK(outcome.status);
  EXPECT_EQ(outcome.response->body.view(), "piece");
  EXPECT_TRUE(IsStored(flight));
}

TEST_F(ResponseCacheTest, AnswerHandedOverButNotKeptIsNotWrittenAndNoHit) {
  LeasePtr lease = Lead();
  const FlightPtr flight = Join();
  WriteOptions options;
  options.ttl = Duration(0);
  lease->Commit(Info(), "body", options);
  const FlightOutcome outcome = EndOf(flight);
  ASSERT_TRUE(outcome.response.has_value());
  EXPECT_EQ(outcome.response->body.view(), "body");
  EXPECT_FALSE(IsStored(flight));
  EXPECT_FALSE(responses_->Get("key", {}).has_value());
}

TEST_F(ResponseCacheTest, EndHandsOverNothingButItsSuccess) {
  LeasePtr lease = Lead();
  const FlightPtr flight = Join();
  lease->End();
  const FlightOutcome outcome = EndOf(flight);
  EXPECT_OK(outcome.status);
  EXPECT_FALSE(outcome.response.has_value());
  EXPECT_TRUE(std::holds_alternative<LeasePtr>(Acquire()));
}

TEST_F(ResponseCacheTest, FailureIsSharedAndADroppedLeaseSendsFollowersOn) {
  LeasePtr lease = Lead();
  FlightPtr flight = Join();
  lease->Fail({StatusCode::kUnavailable, "no upstream"});
  EXPECT_EQ(EndOf(flight).status, Status(StatusCode::kUnavailable, "no upstream"));
  lease = Lead();
  flight = Join();
  lease.reset();
  EXPECT_THAT(EndOf(flight).status, testing::HasCode(StatusCode::kCancelled));
}

TEST_F(ResponseCacheTest, WhatAnotherVersionStoredIsAMissAndCanBeReplaced) {
  WriteOptions options;
  options.metadata = "\x02 a later format";
  ASSERT_OK(cache_->Put("key", "whatever", options));
  EXPECT_FALSE(responses_->GetInMemory("key", {}).has_value());
  EXPECT_FALSE(responses_->Get("key", {}).has_value());
  Lead()->Commit(Info(), "body", {});
  EXPECT_EQ(std::get<CachedResponse>(Acquire()).body.view(), "body");
}

TEST_F(ResponseCacheTest, UsageEventOutsideTheBodyIsAMiss) {
  StoredResponse info = Info();
  info.usage_event = ByteRange{2, 3};
  Lead()->Commit(info, "body", {});
  EXPECT_FALSE(responses_->Get("key", {}).has_value());
}

TEST_F(ResponseCacheTest, InvalidationOfATagMakesItAMiss) {
  ReadOptions tagged;
  tagged.tags = {"t"};
  std::get<LeasePtr>(Acquire(tagged))->Commit(Info(), "body", {});
  ASSERT_OK(responses_->Invalidate({"t"}));
  EXPECT_FALSE(responses_->Get("key", {}).has_value());
}

TEST_F(ResponseCacheTest, LeaseIsToldWhenTheLastFollowerHasGoneAndNotBefore) {
  const LeasePtr lease = Lead();
  int deserted = 0;
  lease->OnDeserted([&] { ++deserted; });
  FlightPtr own = lease->Follow();
  FlightPtr joined = Join();
  own.reset();
  EXPECT_EQ(deserted, 0);
  joined.reset();
  EXPECT_EQ(deserted, 1);
}

}  // namespace
}  // namespace larder::client
