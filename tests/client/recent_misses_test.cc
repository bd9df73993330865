#include "larder/client/recent_misses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "request_traits.h"

namespace larder::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RecentMisses::Request Miss(const std::string& key, const RequestTraits& traits) {
  return {.key = key,
          .provider = "openai",
          .method = "POST",
          .path = "/v1/chat/completions",
          .missed = TimePoint(std::chrono::seconds(1)),
          .was_absent = true,
          .traits = EncodeTraits(traits)};
}

const RequestTraits kWarm = {{"/model", 1}, {"/temperature", 7}};
const RequestTraits kCold = {{"/model", 1}, {"/temperature", 0}};

class RecentMissesTest : public ::testing::Test {
 protected:
  // "KEY: DIFFERING... from NEAREST", the latest first.
  std::vector<std::string> Near(std::size_t limit = 1000) const {
    std::vector<std::string> lines;
    for (const NearMiss& miss : misses_.Near(limit)) {
      std::string line = miss.key + ":";
      for (const std::string& place : miss.differing) line += " " + place;
      lines.push_back(line + " from " + miss.nearest);
    }
    return lines;
  }

  RecentMisses misses_;
};

TEST_F(RecentMissesTest, MissThatDiffersInAFieldIsNamedWithIt) {
  misses_.Add("s", Miss("a", kWarm));
  EXPECT_THAT(Near(), IsEmpty()) << "the first is near to nothing";
  RecentMisses::Request second = Miss("b", kCold);
  second.missed = TimePoint(std::chrono::seconds(5));
  misses_.Add("s", second);
  EXPECT_THAT(Near(), ElementsAre("b: /temperature from a"));
  const NearMiss miss = misses_.Near(1).front();
  EXPECT_EQ(miss.provider, "openai");
  EXPECT_EQ(miss.path, "/v1/chat/completions");
  EXPECT_EQ(miss.missed, TimePoint(std::chrono::seconds(5)));
  EXPECT_EQ(miss.nearest_missed, TimePoint(std::chrono::seconds(1)));
}

TEST_F(RecentMissesTest, OnlyRequestsOfOneScopeProviderAndPathAreCompared) {
  misses_.Add("s", Miss("a", kWarm));
  misses_.Add("other", Miss("b", kCold));
  RecentMisses::Request elsewhere = Miss("c", kCold);
  elsewhere.provider = "backup";
  misses_.Add("s", elsewhere);
  elsewhere = Miss("d", kCold);
  elsewhere.path = "/v1/completions";
  misses_.Add("s", elsewhere);
  elsewhere = Miss("e", kCold);
  elsewhere.method = "GET";
  misses_.Add("s", elsewhere);
  EXPECT_THAT(Near(), IsEmpty());
  misses_.Add("s", Miss("f", kCold));
  EXPECT_THAT(Near(), ElementsAre("f: /temperature from a"));
}

TEST_F(RecentMissesTest, NearestIsTheOneWithTheFewestDifferencesThenTheLatest) {
  RequestTraits other = kWarm;
  other["/model"] = 2;
  misses_.Add("s", Miss("one", kCold));
  misses_.Add("s", Miss("two", other));
  other["/temperature"] = 1;
  misses_.Add("s", Miss("three", other));
  EXPECT_THAT(Near(),
              ElementsAre("three: /temperature from two", "two: /model /temperature from one"));
}

TEST_F(RecentMissesTest, RequestThatDiffersInMoreIsNotNear) {
  RequestTraits many;
  for (std::size_t i = 0; i < RecentMisses::kMostDifferences; ++i)
    many["/" + std::to_string(i)] = 0;
  misses_.Add("s", Miss("a", {}));
  misses_.Add("s", Miss("b", many));
  EXPECT_THAT(Near(), SizeIs(1));
  many = {};
  for (std::size_t i = 0; i <= RecentMisses::kMostDifferences; ++i) {
    many["/" + std::to_string(i)] = 1;
  }
  misses_.Add("s", Miss("c", many));
  EXPECT_THAT(Near(), SizeIs(1));
}

TEST_F(RecentMissesTest, EntryThatHadExpiredIsNoNearMissButOneMayBeNearToIt) {
  misses_.Add("s", Miss("a", kWarm));
  RecentMisses::Request expired = Miss("b", kCold);
  expired.was_absent = false;
  misses_.Add("s", expired);
  EXPECT_THAT(Near(), IsEmpty());
  RequestTraits hot = kWarm;
  hot["/temperature"] = 9;
  misses_.Add("s", Miss("c", hot));
  EXPECT_THAT(Near(), ElementsAre("c: /temperature from b"));
}

TEST_F(RecentMissesTest, KeyThatMissesAgainIsListedOnceAndStaysBehindWhatItWasNearTo) {
  misses_.Add("s", Miss("a", kWarm));
  misses_.Add("s", Miss("b", kCold));
  misses_.Add("s", Miss("a", kWarm));
  misses_.Add("s", Miss("b", kCold));
  EXPECT_THAT(Near(), ElementsAre("b: /temperature from a"));
}

TEST_F(RecentMissesTest, LatestComeFirstAndNoMoreThanAskedFor) {
  for (int i = 0; i < 10; ++i) {
    RequestTraits traits = kWarm;
    traits["/temperature"] = static_cast<std::uint64_t>(i);
    misses_.Add("s", Miss(std::to_string(i), traits));
  }
  EXPECT_THAT(Near(2), ElementsAre("9: /temperature from 8", "8: /temperature from 7"));
  EXPECT_THAT(Near(0), IsEmpty());
}

TEST_F(RecentMissesTest, BusyScopeLosesItsOwnOldestAndNotThatOfOthers) {
  misses_.Add("quiet", Miss("a", kWarm));
  misses_.Add("quiet", Miss("b", kCold));
  for (std::size_t i = 0; i < 3 * RecentMisses::kMaxRecords; ++i) {
    RequestTraits traits = kWarm;
    traits["/temperature"] = i;
    misses_.Add("busy", Miss("busy " + std::to_string(i), traits));
  }
  const std::vector<std::string> near = Near(SIZE_MAX);
  EXPECT_EQ(near.size(), RecentMisses::kMaxRecords - 2)
      << "all that is kept but the first of each scope";
  EXPECT_EQ(near.back(), "b: /temperature from a");
}

TEST_F(RecentMissesTest, MoreScopesThanRecordsAreForgottenOldestFirst) {
  for (std::size_t i = 0; i < 2 * RecentMisses::kMaxRecords; ++i) {
    misses_.Add("scope " + std::to_string(i), Miss("a", kWarm));
  }
  misses_.Add("scope 0", Miss("b", kCold));
  EXPECT_THAT(Near(), IsEmpty()) << "its first is gone";
  const std::string last = "scope " + std::to_string(2 * RecentMisses::kMaxRecords - 1);
  misses_.Add(last, Miss("c", kCold));
  EXPECT_THAT(Near(), ElementsAre("c: /temperature from a"));
}

TEST_F(RecentMissesTest, BodiesThatWaitAreBounded) {
  std::shared_ptr<void> first = misses_.Reserve(RecentMisses::kMaxWaitingBytes, TimePoint());
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(misses_.Reserve(1, TimePoint()), nullptr);
  first.reset();
  EXPECT_NE(misses_.Reserve(1, TimePoint()), nullptr);
}

TEST_F(RecentMissesTest, SoManyAreNotedInASecondAndNoMore) {
  const TimePoint now(std::chrono::seconds(100));
  for (int i = 0; i < RecentMisses::kMaxNotesASecond; ++i) {
    EXPECT_NE(misses_.Reserve(1, now), nullptr);
  }
  EXPECT_EQ(misses_.Reserve(1, now + Duration(999)), nullptr);
  EXPECT_NE(misses_.Reserve(1, now + Duration(1000)), nullptr);
}

}  // namespace
}  // namespace larder::client
