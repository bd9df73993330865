// What the oracle of the soak calls a finding, and what it does not.
#include "soak_oracle.h"

#include <gtest/gtest.h>

namespace larder::testing {
namespace {

class SoakOracleTest : public ::testing::Test {
 protected:
  static SoakCall Call(std::uint8_t tenant = 0) {
    SoakCall call;
    call.identity.tenant = tenant;
    return call;
  }
  // The upstream's answer to a call; its number.
  std::uint64_t Answer(std::uint64_t number, const SoakCall& call, Fate fate = Fate::kWhole) {
    const auto attempt = oracle_.Received(number, call.identity, call.form);
    oracle_.Sending(attempt->author.serial, fate);
    return attempt->author.serial;
  }
  // What a caller gets of it.
  static WireAnswer Got(std::uint64_t serial, const SoakCall& call, const std::string& status) {
    WireAnswer answer;
    answer.status = 200;
    answer.whole = true;
    answer.headers = {{std::string(kSoakSerialField), std::to_string(serial)},
                      {"cache-status", status}};
    answer.body =
        MakeSoakAnswer(call.form, {serial, call.identity.Text(), call.identity.ModelName()});
    return answer;
  }
  // A call that is answered by the upstream, as it should be.
  std::uint64_t Miss(const SoakCall& call, Fate fate = Fate::kWhole) {
    return Answer(oracle_.Asking(call), call, fate);
  }
  // Findings in reading this answer by a call that begins now.
  std::uint64_t Reading(std::uint64_t serial, const SoakCall& call,
                        const std::string& status = kHit) {
    return Judging(oracle_.Asking(call), Got(serial, call, status));
  }
  std::uint64_t Judging(std::uint64_t number, const WireAnswer& answer) {
    const std::uint64_t before = tally_.findings();
    oracle_.Judge(number, answer);
    return tally_.findings() - before;
  }
  std::uint64_t JudgingCrowd(const SoakCall& call, SoakTime begin,
                             const std::vector<WireAnswer>& answers) {
    const std::uint64_t before = tally_.findings();
    oracle_.JudgeCrowd(call.identity, begin, answers);
    return tally_.findings() - before;
  }

  static constexpr const char* kHit = "larder; hit; ttl=9";
  static constexpr const char* kMiss = "larder; fwd=miss; stored";
  static constexpr const char* kJoined = "larder; fwd=miss; collapsed";
  SoakTally tally_;
  Calm calm_;
  SoakOracle oracle_{tally_, calm_};
};

TEST_F(SoakOracleTest, MissAndHitAreNoFindings) {
  const SoakCall call = Call();
  const std::uint64_t number = oracle_.Asking(call);
  const std::uint64_t serial = Answer(number, call);
  EXPECT_EQ(Judging(number, Got(serial, call, kMiss)), 0u);
  EXPECT_EQ(Reading(serial, call), 0u);
  EXPECT_EQ(tally_.calls().at("miss"), 1u);
  EXPECT_EQ(tally_.calls().at("hit"), 1u);
}

TEST_F(SoakOracleTest, WrongByteIsFound) {
  const SoakCall call = Call();
  WireAnswer answer = Got(Miss(call), call, kHit);
  answer.body[answer.body.size() / 2] ^= 1;
  EXPECT_EQ(Judging(oracle_.Asking(call), answer), 1u);
}

TEST_F(SoakOracleTest, AnswerOfAnotherIsFoundWhateverSeparatesThem) {
  const SoakCall call = Call();
  const std::uint64_t serial = Miss(call);
  EXPECT_EQ(Reading(serial, Call(1)), 1u);
  for (auto change : {+[](SoakCall& other) { other.identity.name_space = 1; },
                      +[](SoakCall& other) { other.identity.sample = 1; },
                      +[](SoakCall& other) { other.identity.prompt = 1; }}) {
    SoakCall other = call;
    change(other);
    EXPECT_EQ(Reading(serial, other), 1u);
    EXPECT_EQ(Reading(serial, other, kJoined), 1u);
  }
}

TEST_F(SoakOracleTest, MissWithTheAnswerToAnotherCallIsFound) {
  const SoakCall call = Call();
  const std::uint64_t serial = Miss(call);
  EXPECT_EQ(Reading(serial, call, kMiss), 1u);
  EXPECT_EQ(Reading(serial, call, kJoined), 0u);
}

TEST_F(SoakOracleTest, WhatWasInvalidatedBeforeTheReadBeganIsFound) {
  SoakCall call = Call();
  call.tags = 1;
  const std::uint64_t reader = oracle_.Asking(call);
  const std::uint64_t serial = Miss(call);
  oracle_.Invalidated(1, nullptr, SoakClock::now());
  EXPECT_EQ(Reading(serial, call), 0u) << "another tag";
  const SoakCall other = Call(1);
  oracle_.Invalidated(0, &other.identity, SoakClock::now());
  EXPECT_EQ(Reading(serial, call), 0u) << "another's";
  oracle_.Invalidated(0, &call.identity, SoakClock::now());
  EXPECT_EQ(Judging(reader, Got(serial, call, kHit)), 0u) << "it had begun to read before";
  EXPECT_EQ(Reading(serial, call), 1u);
  EXPECT_EQ(Reading(serial, call, kJoined), 1u);
  EXPECT_EQ(Reading(Miss(call), call), 0u) << "what was computed since holds";
}

TEST_F(SoakOracleTest, InvalidationOfTheReadsOwnTagsAndOfAllCounts) {
  const SoakCall call = Call();
  SoakCall tagged = call;
  tagged.tags = 2;
  const std::uint64_t serial = Miss(call);
  oracle_.Invalidated(1, nullptr, SoakClock::now());
  EXPECT_EQ(Reading(serial, call), 0u);
  EXPECT_EQ(Reading(serial, tagged), 1u);
  oracle_.EndedInvalidatingAll(oracle_.InvalidatingAll(), false);
  EXPECT_EQ(Reading(serial, call), 0u) << "who called it was told that it failed";
  oracle_.EndedInvalidatingAll(oracle_.InvalidatingAll(), true);
  EXPECT_EQ(Reading(serial, call), 1u);
}

TEST_F(SoakOracleTest, SecondCallUpstreamForOneQuestionOfManyIsFound) {
  const SoakCall call = Call();
  oracle_.EndedInvalidatingAll(oracle_.InvalidatingAll(), true);
  const SoakTime begin = SoakClock::now();
  const std::uint64_t serial = Miss(call);
  EXPECT_EQ(JudgingCrowd(call, begin, {Got(serial, call, kMiss)}), 0u);
  Miss(call);
  EXPECT_EQ(JudgingCrowd(call, begin, {Got(serial, call, kMiss)}), 1u)
      << "all was invalidated, but before they asked";
  const Calm::Disturbance disturbance(calm_, std::chrono::milliseconds(0));
  EXPECT_EQ(JudgingCrowd(call, begin, {}), 0u);
}

TEST_F(SoakOracleTest, CrowdMayBeAnsweredAnewAfterEachInvalidationOfAll) {
  const SoakCall call = Call();
  const std::size_t early = oracle_.InvalidatingAll();
  const SoakTime begin = SoakClock::now();
  oracle_.EndedInvalidatingAll(early, true);
  Miss(call);
  Miss(call);
  EXPECT_EQ(JudgingCrowd(call, begin, {}), 0u) << "called before, acknowledged within";
  Miss(call);
  EXPECT_EQ(JudgingCrowd(call, begin, {}), 1u);
  oracle_.InvalidatingAll();
  EXPECT_EQ(JudgingCrowd(call, begin, {}), 0u) << "may have taken effect, or not yet";
}

TEST_F(SoakOracleTest, CutAnswerThatLooksWholeIsFound) {
  const SoakCall call = Call();
  const std::uint64_t number = oracle_.Asking(call);
  const std::uint64_t serial = Answer(number, call, Fate::kCut);
  EXPECT_EQ(Judging(number, Got(serial, call, kMiss)), 1u);
}

TEST_F(SoakOracleTest, WhatMustNotBeStoredIsFoundInAHit) {
  const SoakCall call = Call();
  for (const Fate fate : {Fate::kCut, Fate::kUnstored, Fate::kError}) {
    EXPECT_EQ(Reading(Miss(call, fate), call), 1u);
  }
  SoakCall none = call;
  none.no_store = true;
  EXPECT_EQ(Reading(Miss(none), call), 1u);
  SoakCall brief = call;
  brief.ttl_seconds = 0;
  EXPECT_EQ(Reading(Miss(brief), call), 1u);
  EXPECT_EQ(Reading(Miss(call), call, "larder; hit; ttl=-1"), 1u) << "stale, unasked";
}

TEST_F(SoakOracleTest, CacheControlOfTheReaderCounts) {
  const SoakCall call = Call();
  const std::uint64_t serial = Miss(call);
  SoakCall fresh = call;
  fresh.no_cache = true;
  EXPECT_EQ(Reading(serial, fresh), 1u);
  EXPECT_EQ(Reading(serial, fresh, kJoined), 1u);
  SoakCall alone = call;
  alone.no_store = true;
  EXPECT_EQ(Reading(serial, alone, kJoined), 1u);
  SoakCall young = call;
  young.max_age_seconds = 3;
  WireAnswer old = Got(serial, call, kHit);
  old.headers.Set("age", "4");
  EXPECT_EQ(Judging(oracle_.Asking(young), old), 1u);
}

TEST_F(SoakOracleTest, FailureIsAFindingOnlyWhileNothingIsWrong) {
  WireAnswer none;
  WireAnswer ours;
  ours.status = 502;
  ours.whole = true;
  EXPECT_EQ(Judging(oracle_.Asking(Call()), none), 1u);
  EXPECT_EQ(Judging(oracle_.Asking(Call()), ours), 1u);
  const Calm::Disturbance disturbance(calm_, std::chrono::milliseconds(0));
  EXPECT_EQ(Judging(oracle_.Asking(Call()), none), 0u);
  EXPECT_EQ(Judging(oracle_.Asking(Call()), ours), 0u);
}

TEST_F(SoakOracleTest, RequestThatReachesTheUpstreamAsAnothersIsFound) {
  const std::uint64_t number = oracle_.Asking(Call());
  oracle_.Received(number, Call(1).identity, Call().form);
  EXPECT_EQ(tally_.findings(), 1u);
}

}  // namespace
}  // namespace larder::testing
