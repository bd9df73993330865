// The vectors are those of AWS's own test suite for Signature Version 4.
#include "auth/aws_sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace larder::client {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr TimePoint kTime{std::chrono::seconds(1'440'938'160)};  // 20150830T123600Z

AwsCredentials Credentials() {
  return {"AKIDEXAMPLE", SecretText("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {}};
}

Request Make(std::string method, std::string target, Headers headers = {}, std::string body = {}) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

// The `authorization` of the suite's request; `path` as of a base URL.
std::string Sign(Request request, std::string_view path = "",
                 const AwsCredentials& credentials = Credentials(), TimePoint time = kTime) {
  SignAws(credentials, {"us-east-1", "service"}, "example.amazonaws.com", path, time, request);
  return *request.headers.Find("authorization");
}

TEST(AwsSigV4Test, GetVanilla) {
  EXPECT_EQ(Sign(Make("GET", "/")),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(AwsSigV4Test, PostVanilla) {
  EXPECT_THAT(Sign(Make("POST", "/")),
              EndsWith("=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
}

TEST(AwsSigV4Test, PostXWwwFormUrlencoded) {
  EXPECT_THAT(Sign(Make("POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}},
                        "Param1=value1")),
              EndsWith("SignedHeaders=content-type;host;x-amz-date, Signature="
                       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"));
}

TEST(AwsSigV4Test, GetVanillaQueryOrderKeyCase) {
  EXPECT_THAT(Sign(Make("GET", "/?Param2=value2&Param1=value1")),
              EndsWith("=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

TEST(AwsSigV4Test, PathIsNormalBeforeItIsSigned) {
  EXPECT_EQ(Sign(Make("GET", "/example/..")), Sign(Make("GET", "/")));
  EXPECT_EQ(Sign(Make("GET", "/./example")), Sign(Make("GET", "//example")));
  EXPECT_NE(Sign(Make("GET", "/example/")), Sign(Make("GET", "/example")));
}

TEST(AwsSigV4Test, PathOfTheBaseUrlIsSignedToo) {
  EXPECT_EQ(Sign(Make("POST", "/model/a%3A0/invoke"), "/bedrock"),
            Sign(Make("POST", "/bedrock/model/a%3A0/invoke")));
}

TEST(AwsSigV4Test, EveryPartCounts) {
  const Request base = Make("POST", "/a?x=1", {}, "{}");
  Request other = base;
  other.body = "{ }";
  EXPECT_NE(Sign(base), Sign(other));
  other = base;
  other.target = "/a?x=2";
  EXPECT_NE(Sign(base), Sign(other));
  EXPECT_NE(Sign(base), Sign(base, "", Credentials(), kTime + std::chrono::seconds(1)));
  EXPECT_NE(Sign(base), Sign(base, "", {"AKIDEXAMPLE", SecretText("other"), {}}));
}

TEST(AwsSigV4Test, SessionTokenIsSentAndSigned) {
  Request request = Make("POST", "/");
  const AwsCredentials credentials{"AKIDEXAMPLE", SecretText("secret"), SecretText("a token")};
  SignAws(credentials, {"r", "s"}, "host", "", kTime, request);
  EXPECT_EQ(*request.headers.Find("x-amz-security-token"), "a token");
  EXPECT_THAT(*request.headers.Find("authorization"),
              HasSubstr("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
  // The next attempt is without one.
  SignAws({"AKIDEXAMPLE", SecretText("secret"), {}}, {"r", "s"}, "host", "", kTime, request);
  EXPECT_FALSE(request.headers.Has("x-amz-security-token"));
  EXPECT_THAT(*request.headers.Find("authorization"), Not(HasSubstr("security-token")));
}

}  // namespace
}  // namespace larder::client
