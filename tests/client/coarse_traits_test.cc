#include "coarse_traits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace larder::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RequestTraits Traits(const std::string& body) {
  RequestTraits traits;
  AddCoarseBody(body, "secret", traits);
  return traits;
}

// What tells two bodies apart.
std::vector<std::string> Differing(const std::string& a, const std::string& b) {
  const RequestTraits in_a = Traits(a);
  const RequestTraits in_b = Traits(b);
  const std::vector<std::string_view> places = DifferingPlaces(in_a, in_b, kMaxCoarseTraits * 2);
  return {places.begin(), places.end()};
}

// A conversation of so many turns, one of which says something else.
std::string Conversation(int turns, int other = -1) {
  std::string body = R"({"messages":[)";
  for (int i = 0; i < turns; ++i) {
    const std::string text = i == other ? "other" : "same";
    if (i > 0) body += ',';
    body += R"({"content":")" + text + R"(","role":"user"})";
  }
  return body + R"(],"model":"m","temperature":0.5})";
}

TEST(CoarseTraitsTest, SmallBodyIsTakenApartToItsFields) {
  EXPECT_THAT(Differing(Conversation(3), Conversation(3, 1)), ElementsAre("/messages/1/content"));
  EXPECT_THAT(Differing(R"({"a":{"b":[1,{"c":2}]}})", R"({"a":{"b":[1,{"c":3}]}})"),
              ElementsAre("/a/b/1/c"));
  EXPECT_THAT(Differing(R"({"a":[]})", R"({"a":{}})"), ElementsAre("/a"));
  EXPECT_THAT(Differing(R"({"a/b":1,"c~":1})", R"({"a/b":2,"c~":2})"), ElementsAre("/a~1b", "/c~0"))
      << "places are JSON pointers";
  EXPECT_THAT(Differing(Conversation(3), Conversation(3)), IsEmpty());
}

TEST(CoarseTraitsTest, LongConversationHidesNoDifferenceAndNoFieldBesideIt) {
  for (const int turns : {20, 40, 100, 3000}) {
    const std::string same = Conversation(turns);
    EXPECT_LE(Traits(same).size(), kMaxCoarseTraits);
    for (const int other : {0, 1, turns / 2, turns - 1}) {
      const std::vector<std::string> places = Differing(same, Conversation(turns, other));
      ASSERT_EQ(places.size(), 1U) << turns << " turns, number " << other;
      EXPECT_NE(places[0].find("/messages/"), std::string::npos);
    }
    std::string warmer = same;
    warmer.replace(warmer.find("0.5"), 3, "0.7");
    EXPECT_THAT(Differing(same, warmer), ElementsAre("/temperature"));
  }
  EXPECT_THAT(Differing(Conversation(100), Conversation(100, 0)),
              ElementsAre("/messages/0/content"));
  EXPECT_THAT(Differing(Conversation(100), Conversation(100, 99)),
              ElementsAre("after /messages/31"));
}

TEST(CoarseTraitsTest, ManyFieldsAndLongNamesStayWithinBounds) {
  std::string many = R"({"x":1)";
  for (int i = 0; i < 5000; ++i) many += ",\"f" + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_LE(Traits(many + "}").size(), kMaxCoarseTraits);
  EXPECT_EQ(Differing(many + "}", many + R"(,"y":1})").size(), 1U);
  const std::string name(1000, 'n');
  const RequestTraits traits = Traits(R"({"a":{")" + name + R"(":1},"b":2})");
  EXPECT_TRUE(traits.contains("/a")) << "not taken apart";
  EXPECT_TRUE(traits.contains("/b"));
  EXPECT_THAT(Differing(R"({"a":{")" + name + R"(":1}})", R"({"a":{")" + name + R"(":2}})"),
              ElementsAre("/a"));
}

TEST(CoarseTraitsTest, WhatIsNoJsonIsOnePart) {
  EXPECT_THAT(Differing("plain", "other"), ElementsAre("body"));
  EXPECT_THAT(Differing("plain", "plain"), IsEmpty());
}

TEST(CoarseTraitsTest, NoValueIsKeptAndHashesDependOnTheSecret) {
  const std::string kept = EncodeTraits(Traits(R"({"messages":[{"content":"planted"}]})"));
  EXPECT_NE(kept.find("/messages/0/content"), std::string::npos);
  EXPECT_EQ(kept.find("planted"), std::string::npos);
  RequestTraits other;
  AddCoarseBody(R"({"a":1})", "another secret", other);
  EXPECT_NE(Traits(R"({"a":1})"), other);
}

}  // namespace
}  // namespace larder::client
