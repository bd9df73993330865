#include "event_ends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace larder::client {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kMost = std::size_t{1} << 20;

Event Data(std::string data) { return {"", std::move(data)}; }

std::string Written(const std::string& data) {
  std::string text;
  WriteEvent(Data(data), text);
  return text;
}

TEST(EventEndsTest, OfAShortStreamAllIsKeptHoweverItIsCut) {
  EventEnds ends(kMost);
  for (const char c : Written("one") + Written("two")) EXPECT_TRUE(ends.Add({&c, 1}));
  EXPECT_TRUE(ends.Add("data: cut"));
  EXPECT_THAT(ends.Take(), ElementsAre(Data("one"), Data("two"), Data("cut")));
}

TEST(EventEndsTest, OfALongOneTheFirstAndTheLastEventsAreKeptAndLittleElse) {
  EventEnds ends(kMost);
  EXPECT_TRUE(ends.Add(Written("first")));
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(ends.Add(Written(std::to_string(i) + std::string(100, 'x'))));
    ASSERT_LE(ends.bytes(), 65U << 10);
  }
  EXPECT_TRUE(ends.Add(Written("last")));
  const std::vector<Event> kept = ends.Take();
  EXPECT_EQ(kept.front(), Data("first"));
  EXPECT_EQ(kept.back(), Data("last"));
  EXPECT_LT(kept.size(), 1000U);
}

// Of many APIs that one says all once more.
TEST(EventEndsTest, TheLastEventIsKeptHoweverLargeUpToTheLimit) {
  EventEnds ends(kMost);
  const std::string large(kMost / 2, 'x');
  EXPECT_TRUE(ends.Add(Written("first") + Written(large)));
  EXPECT_THAT(ends.Take(), ElementsAre(Data("first"), Data(large)));
  EventEnds done(kMost);
  EXPECT_TRUE(done.Add(Written("first") + Written(large) + Written("[DONE]")));
  EXPECT_THAT(done.Take(), ElementsAre(Data("first"), Data(large), Data("[DONE]")));
  EventEnds fewer(kMost / 4);
  EXPECT_FALSE(fewer.Add("data: " + large));
}

}  // namespace
}  // namespace larder::client
