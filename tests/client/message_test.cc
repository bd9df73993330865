#include "larder/client/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace larder::client {
namespace {

using ::testing::ElementsAre;

TEST(HeadersTest, NamesCompareWithoutCase) {
  const Headers headers = {{"Content-Type", "text/plain"}};
  ASSERT_NE(headers.Find("content-type"), nullptr);
  EXPECT_EQ(*headers.Find("CONTENT-TYPE"), "text/plain");
  EXPECT_FALSE(headers.Has("content"));
}

TEST(HeadersTest, RepeatedFieldsKeepTheirOrder) {
  Headers headers = {{"Via", "a"}, {"X", "1"}, {"via", "b"}};
  EXPECT_EQ(headers.Joined("VIA"), "a, b");
  EXPECT_EQ(headers.Joined("absent"), "");
  EXPECT_EQ(*headers.Find("via"), "a");
  headers.Set("via", "c");
  EXPECT_THAT(std::vector(headers.begin(), headers.end()),
              ElementsAre(Header{"X", "1"}, Header{"via", "c"}));
}

TEST(HeadersTest, HopByHopFieldsGoAndThoseThatConnectionNames) {
  Headers headers = {{"Connection", "keep-alive, X-Once"},
                     {"connection", " x-twice ,"},
                     {"Keep-Alive", "timeout=5"},
                     {"Transfer-Encoding", "chunked"},
                     {"TE", "trailers"},
                     {"Upgrade", "h2c"},
                     {"Proxy-Authorization", "Basic x"},
                     {"X-Once", "1"},
                     {"x-twice", "2"},
                     {"X-Stays", "3"}};
  headers.RemoveHopByHop();
  EXPECT_THAT(std::vector(headers.begin(), headers.end()), ElementsAre(Header{"X-Stays", "3"}));
}

TEST(HeadersTest, LongListsOfHopByHopFieldsDoNotCostSquareTime) {
  Headers headers;
  std::string names;
  for (int i = 0; i < 300'000; ++i) {
    names += "x" + std::to_string(i) + ",";
    headers.Add("y" + std::to_string(i), "");
  }
  headers.Add("X299999", "");
  headers.Add("connection", names);
  headers.RemoveHopByHop();
  EXPECT_EQ(std::distance(headers.begin(), headers.end()), 300'000);
  EXPECT_FALSE(headers.Has("x299999"));
}

}  // namespace
}  // namespace larder::client
