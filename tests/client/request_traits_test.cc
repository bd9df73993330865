#include "request_traits.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

RequestTraits Traits(const std::string& canonical, const Directives& directives = {},
                     const Headers& headers = {}) {
  Request request;
  request.target = "/v1/chat/completions?key=secret";
  request.headers = headers;
  request.directives = directives;
  ProviderConfig provider;
  provider.base_url = "http://h";
  provider.key_headers = {"x-tenant"};
  return TraitsOf(request, provider, canonical, "secret");
}

std::string First(const RequestTraits& a, const RequestTraits& b) {
  const TraitDifference difference = Compare(a, b);
  return std::to_string(difference.count) + " " + difference.first;
}

TEST(RequestTraitsTest, DifferenceIsNamedByItsPlace) {
  const RequestTraits traits = Traits(R"({"messages":[{"content":"a"},{"content":"b"}],"n":1})");
  EXPECT_EQ(First(traits, traits), "0 ");
  EXPECT_EQ(First(traits, Traits(R"({"messages":[{"content":"a"},{"content":"c"}],"n":1})")),
            "1 /messages/1/content");
  EXPECT_EQ(First(traits, Traits(R"({"messages":[{"content":"a"}],"n":"1"})")),
            "2 /messages/1/content");
  EXPECT_EQ(First(Traits(R"({"a":[]})"), Traits(R"({"a":{}})")), "1 /a") << "empty ones are told";
}

TEST(RequestTraitsTest, WhatElseIsInTheKeyComesBeforeTheBody) {
  const RequestTraits traits = Traits(R"({"a":1})");
  Directives other;
  other.name_space = "n";
  EXPECT_EQ(First(traits, Traits(R"({"a":2})", other)), "2 namespace");
  EXPECT_EQ(First(traits, Traits(R"({"a":1})", {}, {{"X-Tenant", "t"}})), "1 header x-tenant");
  EXPECT_EQ(First(traits, Traits(R"({"a":1})", {}, {{"authorization", "Bearer x"}})), "0 ")
      << "credentials are the scope's";
  other = {};
  other.sample = 1;
  EXPECT_EQ(First(traits, Traits(R"({"a":1})", other)), "1 sample");
}

TEST(RequestTraitsTest, TraitsSurviveTheirEncodingAndSayNothingOfValues) {
  const RequestTraits traits = Traits(R"({"messages":[{"content":"planted"}]})");
  const std::string text = EncodeTraits(traits);
  EXPECT_EQ(DecodeTraits(text), traits);
  EXPECT_EQ(text.find("planted"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const auto decoded = DecodeTraits(std::string_view(text).substr(0, cut));
    EXPECT_NE(decoded, traits);
  }
}

TEST(RequestTraitsTest, LargeBodiesAreCutShortNotRefused) {
  std::string body = R"({"a":[0)";
  for (int i = 1; i < 5000; ++i) body += "," + std::to_string(i);
  EXPECT_EQ(Traits(body + "]}").size(), kMaxTraits);
}

}  // namespace
}  // namespace larder::client
