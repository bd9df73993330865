#include "larder/client/directives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "larder/client/message.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Directives CacheControl(const char* field) {
  return *ParseDirectives(Headers{{"Cache-Control", field}});
}

std::string Refusal(const Headers& headers) {
  const Result<Directives> directives = ParseDirectives(headers);
  EXPECT_THAT(directives, testing::HasCode(StatusCode::kInvalidArgument));
  return directives.status().message();
}

TEST(DirectivesTest, NothingIsAskedByDefault) {
  const Directives directives = *ParseDirectives(Headers{{"content-type", "application/json"}});
  EXPECT_FALSE(directives.no_cache || directives.no_store || directives.only_if_cached);
  EXPECT_FALSE(directives.max_age || directives.min_fresh || directives.max_stale);
  EXPECT_FALSE(directives.ttl || directives.key);
  EXPECT_THAT(directives.tags, IsEmpty());
  EXPECT_EQ(directives.sample, 0u);
  EXPECT_EQ(directives.name_space, "");
}

TEST(DirectivesTest, CacheControlIsRead) {
  const Directives all = CacheControl("No-Cache, no-store ,only-if-cached,MAX-AGE=60");
  EXPECT_TRUE(all.no_cache && all.no_store && all.only_if_cached);
  EXPECT_EQ(all.max_age, 60s);
  const Directives ages = CacheControl("max-age=0, min-fresh=\"5\", max-stale=7");
  EXPECT_FALSE(ages.no_cache);
  EXPECT_EQ(ages.max_age, 0s);
  EXPECT_EQ(ages.min_fresh, 5s);
  EXPECT_EQ(ages.max_stale, 7s);
  EXPECT_EQ(CacheControl("max-stale").max_stale, kForever);
}

TEST(DirectivesTest, UnknownDirectivesAreIgnored) {
  const Directives directives =
      CacheControl("no-transform, x=\"a, no-store\", stale-if-error=60,, community=\"UCI\"");
  EXPECT_FALSE(directives.no_cache || directives.no_store);
}

TEST(DirectivesTest, MalformedCacheControlCountsAsNoCache) {
  for (const char* field : {"max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=soon",
                            "min-fresh", "max-stale=x", "=5", "x=\"open", "a b", "max-age=\"5"}) {
    EXPECT_TRUE(CacheControl(field).no_cache) << field;
  }
  const Directives directives = CacheControl("x=\"open, no-store, max-age=5");
  EXPECT_TRUE(directives.no_cache && directives.no_store);
  EXPECT_EQ(directives.max_age, 5s);
}

TEST(DirectivesTest, QuotesThatAreNeverClosedDoNotCostSquareTime) {
  std::string field = "\"a";
  while (field.size() < std::size_t{4} << 20) field += ",\\\"a";
  const Directives directives = CacheControl((field + ", no-store").c_str());
  EXPECT_TRUE(directives.no_cache && directives.no_store);
}

TEST(DirectivesTest, ManyFieldsOfOneNameDoNotCostSquareTime) {
  Headers headers;
  for (int i = 0; i < 300'000; ++i) headers.Add("Larder-Tags", "a");
  headers.Add("x", "");
  RemoveDirectives(headers);
  EXPECT_EQ(std::distance(headers.begin(), headers.end()), 1);
}

TEST(DirectivesTest, TheStricterOfTwoHolds) {
  const Headers two = {{"Cache-Control", "max-age=60, min-fresh=1"},
                       {"cache-control", "max-age=30, min-fresh=2, max-stale, max-stale=9"}};
  const Directives directives = *ParseDirectives(two);
  EXPECT_EQ(directives.max_age, 30s);
  EXPECT_EQ(directives.min_fresh, 2s);
  EXPECT_EQ(directives.max_stale, 9s);
}

TEST(DirectivesTest, HugeSecondsDoNotOverflow) {
  EXPECT_EQ(CacheControl("max-age=99999999999999999999999").max_age,
            std::chrono::seconds(1ll << 31));
  EXPECT_EQ(CacheControl("max-age=4294967296").max_age, std::chrono::seconds(1ll << 31));
}

TEST(DirectivesTest, LarderHeadersAreRead) {
  const Directives directives = *ParseDirectives(Headers{{"larder-ttl", "7d"},
                                                         {"LARDER-TAGS", "a, b c ,,a"},
                                                         {"Larder-Tags", " d"},
                                                         {"Larder-Namespace", " team one "},
                                                         {"Larder-Sample", "3"},
                                                         {"Larder-Key", "any: text"}});
  EXPECT_EQ(directives.ttl, 168h);
  EXPECT_THAT(directives.tags, ElementsAre("a", "b c", "d"));
  EXPECT_EQ(directives.name_space, "team one");
  EXPECT_EQ(directives.sample, 3u);
  EXPECT_EQ(directives.key, "any: text");
  EXPECT_FALSE(directives.explain);
  EXPECT_TRUE(ParseDirectives(Headers{{"larder-explain", "1"}})->explain);
  EXPECT_FALSE(ParseDirectives(Headers{{"larder-explain", "0"}})->explain);
  EXPECT_EQ(ParseDirectives(Headers{{"Larder-TTL", "3600"}})->ttl, 1h);
  EXPECT_EQ(ParseDirectives(Headers{{"Larder-TTL", "0"}})->ttl, 0s);
  EXPECT_EQ(ParseDirectives(Headers{{"Larder-TTL", "never"}})->ttl, kForever);
}

TEST(DirectivesTest, UnknownLarderHeadersAreRefusedNamingTheNearest) {
  EXPECT_EQ(Refusal({{"Larder-Tag", "x"}}),
            "unknown header Larder-Tag, the nearest known is Larder-Tags");
  EXPECT_THAT(Refusal({{"larder-tll", "1"}}), HasSubstr("nearest known is Larder-TTL"));
  EXPECT_THAT(Refusal({{"Larder-Name-Space", "x"}}), HasSubstr("Larder-Namespace"));
  EXPECT_THAT(Refusal({{"Larder-", "x"}}), HasSubstr("nearest known is Larder-"));
}

TEST(DirectivesTest, MalformedLarderHeadersAreRefused) {
  EXPECT_THAT(Refusal({{"larder-ttl", "soon"}}),
              HasSubstr("Larder-TTL: \"soon\" is not a duration"));
  EXPECT_THAT(Refusal({{"larder-ttl", "-5"}}), HasSubstr("Larder-TTL"));
  EXPECT_THAT(Refusal({{"larder-sample", "-1"}}), HasSubstr("Larder-Sample: must be"));
  EXPECT_THAT(Refusal({{"larder-sample", "4294967296"}}), HasSubstr("Larder-Sample: must be"));
  EXPECT_THAT(Refusal({{"larder-sample", ""}}), HasSubstr("Larder-Sample: must be"));
  EXPECT_THAT(Refusal({{"larder-namespace", ""}}), HasSubstr("Larder-Namespace: must be"));
  EXPECT_THAT(Refusal({{"larder-namespace", std::string(129, 'n')}}), HasSubstr("is 129"));
  EXPECT_THAT(Refusal({{"larder-explain", "yes"}}), HasSubstr("Larder-Explain: must be 1 or 0"));
  EXPECT_THAT(Refusal({{"larder-key", "  "}}), HasSubstr("Larder-Key: must not be empty"));
  EXPECT_THAT(Refusal({{"larder-sample", "1"}, {"Larder-Sample", "1"}}),
              HasSubstr("Larder-Sample: given twice"));
}

TEST(DirectivesTest, TagsAreLimited) {
  std::string many = "t0";
  for (int i = 1; i < 32; ++i) many += ",t" + std::to_string(i);
  EXPECT_EQ(ParseDirectives(Headers{{"Larder-Tags", many}})->tags.size(), 32u);
  EXPECT_THAT(Refusal({{"Larder-Tags", many + ",t32"}}),
              HasSubstr("more tags than the limit of 32"));
  EXPECT_TRUE(ParseDirectives(Headers{{"Larder-Tags", std::string(256, 't')}}).ok());
  EXPECT_THAT(Refusal({{"Larder-Tags", std::string(257, 't')}}), HasSubstr("tag of 257 bytes"));
  EXPECT_THAT(Refusal({{"Larder-Tags", "a\x01"}}), HasSubstr("control character"));
}

TEST(DirectivesTest, AnErrorNeverShowsTheKey) {
  EXPECT_THAT(Refusal({{"Larder-Key", "secret"}, {"larder-key", "secret"}}),
              Not(HasSubstr("secret")));
}

TEST(DirectivesTest, RemovingLeavesCacheControl) {
  Headers headers = {
      {"Larder-TTL", "1"}, {"cache-control", "no-cache"}, {"lARDER-x", "y"}, {"a", "b"}};
  RemoveDirectives(headers);
  EXPECT_THAT(std::vector(headers.begin(), headers.end()),
              ElementsAre(Header{"cache-control", "no-cache"}, Header{"a", "b"}));
}

}  // namespace
}  // namespace larder::client
