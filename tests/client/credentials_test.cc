#include "larder/client/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace larder::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPath = "/v1/chat/completions";

std::string Scope(const Headers& headers, std::string_view target = kPath,
                  std::string_view dialect = "openai", std::string_view secret = "store") {
  return CredentialScope({headers, target, dialect}, secret);
}

std::string HttpScope(const Headers& headers) { return Scope(headers, kPath, "http"); }

bool Has(const Headers& headers, std::string_view dialect = "http") {
  return HasCredentials({headers, kPath, dialect});
}

TEST(CredentialScopeTest, EachCredentialMakesItsOwnScope) {
  std::set<std::string> scopes;
  for (const char* name : {"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"}) {
    scopes.insert(Scope({{name, "secret"}}));
  }
  scopes.insert(Scope({}, "/v1/chat/completions?key=secret"));
  scopes.insert(Scope({}));
  scopes.insert(Scope({{"authorization", "other"}}));
  scopes.insert(Scope({{"authorization", "secret"}}, kPath, "openai", "another store"));
  scopes.insert(Scope({{"authorization", "secret"}, {"cookie", "secret"}}));
  scopes.insert(Scope({{"cookie", "a"}, {"cookie", "b"}}));
  scopes.insert(Scope({{"cookie", "a, b"}}));
  EXPECT_EQ(scopes.size(), 12u);
}

TEST(CredentialScopeTest, HidesTheCredentialAndIgnoresEverythingElse) {
  const std::string scope = Scope({{"Authorization", "Bearer sk-1"}}, "/v1?a=b");
  EXPECT_EQ(scope.size(), 64u);
  EXPECT_THAT(scope, Not(HasSubstr("sk-1")));
  EXPECT_EQ(Scope({{"accept", "x"}, {"authorization", "Bearer sk-1"}}, "/v2"), scope);
}

// Scopes are in keys, which are on disk. Computed with another tool: HMAC-SHA-256 over
// length-prefixed parts.
TEST(CredentialScopeTest, ScopesStayWhatTheyWere) {
  EXPECT_EQ(Scope({}, "/", "openai", "key"),
            "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0");
  EXPECT_EQ(Scope({{"Authorization", "Bearer sk-1"}}),
            "ad4bb33aa5ffb5b3dd33c2c2f3c3a67436668829051991245fef491bdb385473");
  EXPECT_EQ(Scope({{"X-Auth-Token", "a"},
                   {"Ocp-Apim-Subscription-Key", "s"},
                   {"authorization", "Bearer sk-1"},
                   {"x-auth-token", "b"}},
                  "/now?key=k", "http"),
            "417360b86915534267b5a13de64a47f91f61663fb860077b82d18efdb8260058");
}

TEST(CredentialScopeTest, IsToldFromOneThatCallersShare) {
  EXPECT_TRUE(IsCredentialScope(Scope({})));
  for (const std::string& shared : {std::string("namespace"), std::string("cassette"),
                                    std::string(), std::string(64, 'x'), std::string(63, 'a')}) {
    EXPECT_FALSE(IsCredentialScope(shared)) << shared;
  }
}

TEST(CredentialScopeTest, OfAnyApiEachFieldThatSoundsLikeACredentialMakesItsOwnScope) {
  std::set<std::string> scopes = {HttpScope({})};
  std::size_t count = 1;
  for (const char* name : {"X-Auth-Token",
                           "Ocp-Apim-Subscription-Key",
                           "private-token",
                           "x-rapidapi-key",
                           "x-bearer",
                           "x-secret",
                           "x-session-id",
                           "signature",
                           "x-hub-signature-256",
                           "x-amz-credential",
                           "x-ms-client-principal-id",
                           "x-forwarded-user",
                           "remote-user",
                           "x-tenant-id",
                           "x-client-cert",
                           "x-goog-iap-jwt-assertion",
                           "cookie2",
                           "x-login",
                           "x-account",
                           "x-password",
                           "x-identity"}) {
    scopes.insert(HttpScope({{name, "s"}}));
    EXPECT_EQ(scopes.size(), ++count) << name;
    EXPECT_TRUE(Has({{name, "s"}})) << name;
    EXPECT_EQ(Scope({{name, "s"}}), Scope({})) << name << ", of an LLM";
    EXPECT_FALSE(Has({{name, "s"}}, "openai")) << name;
  }
  EXPECT_NE(HttpScope({{"x-secret", "a"}}), HttpScope({{"x-secret", "b"}}));
  EXPECT_EQ(HttpScope({{"x-a-key", "1"}, {"x-b-key", "2"}}),
            HttpScope({{"X-B-Key", "2"}, {"X-A-Key", "1"}}))
      << "in any order";
}

TEST(CredentialScopeTest, OfAnyApiOtherFieldsTellNobodyApart) {
  for (const char* name :
       {"user-agent", "x-goog-user-agent", "idempotency-key", "x-idempotency-key", "sec-fetch-user",
        "accept", "x-units", "x-request-id", "traceparent", "if-none-match"}) {
    EXPECT_EQ(HttpScope({{name, "s"}}), HttpScope({})) << name;
    EXPECT_FALSE(Has({{name, "s"}})) << name;
  }
}

TEST(HasCredentialsTest, OneInTheQueryCounts) {
  const Headers none;
  EXPECT_TRUE(HasCredentials({none, "/v1/x?key=a", "openai"}));
  EXPECT_FALSE(HasCredentials({none, "/v1/x?a=key", "http"}));
}

// What only sounds like a credential may say what is asked for.
TEST(RemoveCredentialsTest, TakesOffWhatIsKnownToBeOne) {
  Headers headers = {{"Authorization", "a"}, {"cookie", "b"}, {"x-user-id", "7"}};
  RemoveCredentials(headers);
  EXPECT_EQ(headers, Headers({{"x-user-id", "7"}}));
}

TEST(WithoutCredentialsTest, TakesTheKeyOutOfTheQuery) {
  EXPECT_EQ(WithoutCredentials("/v1/x"), "/v1/x");
  EXPECT_EQ(WithoutCredentials("/v1/x?key=1"), "/v1/x");
  EXPECT_EQ(WithoutCredentials("/v1/x?a=1&key=2&b=3"), "/v1/x?a=1&b=3");
  EXPECT_EQ(WithoutCredentials("/v1/x?key=1&a=2"), "/v1/x?a=2");
  EXPECT_EQ(WithoutCredentials("/v1/x?a=2&key"), "/v1/x?a=2");
  EXPECT_EQ(WithoutCredentials("/v1/x?k%65y=1&a=2"), "/v1/x?a=2");
  EXPECT_EQ(WithoutCredentials("/v1/x?monkey=1&Key=2&a=key=3"), "/v1/x?monkey=1&Key=2&a=key=3");
  EXPECT_EQ(WithoutCredentials("/v1/x?"), "/v1/x?");
  EXPECT_EQ(WithoutCredentials("/v1/x?a=%6"), "/v1/x?a=%6");
}

}  // namespace
}  // namespace larder::client
