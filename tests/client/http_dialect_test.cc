#include "http_dialect.h"

#include <gtest/gtest.h>

#include "larder/client/explain_key.h"
#include "larder/client/request_key.h"

namespace larder::client {
namespace {

ProviderConfig Provider(std::vector<std::string> key_headers = {}) {
  ProviderConfig provider;
  provider.dialect = "http";
  provider.base_url = "https://api.example";
  provider.key_headers = std::move(key_headers);
  return provider;
}

std::string Key(const Request& request, const ProviderConfig& provider = Provider()) {
  return ToHex(KeyOfRequest(request, provider, request.body, "scope"));
}

Request Get() {
  Request request;
  request.method = "GET";
  request.target = "/weather?city=Oslo";
  return request;
}

TEST(HttpDialectTest, KeyIsMethodUrlHeadersAndBytes) {
  const std::string key = Key(Get());
  EXPECT_EQ(Key(Get()), key);
  Request other = Get();
  other.method = "POST";
  EXPECT_NE(Key(other), key);
  other = Get();
  other.target = "/weather?city=oslo";
  EXPECT_NE(Key(other), key);
  other = Get();
  other.body = "{}";
  EXPECT_NE(Key(other), key);
  Request spaced = other;
  spaced.body = "{ }";
  EXPECT_NE(Key(spaced), Key(other)) << "bytes, not JSON";
  for (const char* name : {"Accept", "Accept-Language", "Content-Type"}) {
    other = Get();
    other.headers.Set(name, "x");
    EXPECT_NE(Key(other), key) << name;
  }
}

TEST(HttpDialectTest, ChosenHeadersBelongToTheKeyAndOthersDoNot) {
  Request request = Get();
  request.headers.Set("x-units", "metric");
  EXPECT_EQ(Key(request), Key(Get()));
  EXPECT_NE(Key(request, Provider({"X-Units"})), Key(Get(), Provider({"X-Units"})));
}

TEST(HttpDialectTest, LarderKeyReplacesTheBodyAndNotTheMethod) {
  Request get = Get();
  get.directives.key = "k";
  Request post = get;
  post.method = "POST";
  post.body = "anything";
  EXPECT_NE(Key(get), Key(post));
  Request same = post;
  same.body = "something else";
  EXPECT_EQ(Key(same), Key(post));
}

TEST(HttpDialectTest, GetIsCachedPostByPolicyAndAllElsePasses) {
  const Dialect& dialect = HttpDialect();
  EXPECT_EQ(dialect.Plan("GET", "/x", "").bypass, "");
  EXPECT_EQ(dialect.Plan("POST", "/x", "").bypass, "stateful");
  for (const char* method : {"HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "get"}) {
    EXPECT_EQ(dialect.Plan(method, "/x", "").bypass, "unknown-endpoint") << method;
  }
}

TEST(HttpDialectTest, AnswerThatDependsOnMoreThanTheKeyIsNotStored) {
  const auto objection = [](const Headers& headers) {
    return ObjectionOfHttp(Provider({"x-units"}), headers, /*keyed_by_caller=*/true);
  };
  EXPECT_EQ(objection({}), "");
  EXPECT_EQ(objection({{"vary", "Accept-Encoding, accept , X-Units, Authorization, Cookie"}}), "");
  EXPECT_EQ(objection({{"vary", "x-auth-token"}}), "") << "a credential by its name";
  EXPECT_EQ(objection({{"vary", "accept"}, {"vary", "user-agent"}}), "vary");
  EXPECT_EQ(objection({{"vary", "*"}}), "vary");
  EXPECT_EQ(objection({{"set-cookie", "a=b"}}), "set_cookie");
}

TEST(HttpDialectTest, WhereCallersShareAnswersThatDependOnCredentialsAreNotStored) {
  ProviderConfig provider = Provider();
  const auto objection = [&](const char* vary) {
    return ObjectionOfHttp(provider, {{"vary", vary}}, /*keyed_by_caller=*/false);
  };
  for (const char* vary : {"authorization", "accept, Cookie", "x-auth-token"}) {
    EXPECT_EQ(objection(vary), "vary") << vary;
  }
  EXPECT_EQ(objection("accept, accept-encoding"), "");
  provider.auth.method = AuthMethod::kBearer;  // ours goes up, whoever asks
  EXPECT_EQ(objection("Authorization, Cookie"), "");
  EXPECT_EQ(objection("x-auth-token"), "vary") << "which is not taken off";
}

TEST(HttpDialectTest, ErrorsOfOursArePlainJson) {
  EXPECT_EQ(HttpDialect().ErrorBody(504, "not \"cached\""),
            R"({"detail":"not \"cached\"","status":504})");
}

}  // namespace
}  // namespace larder::client
