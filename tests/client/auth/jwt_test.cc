#include "auth/jwt.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "auth/jwt_claims.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using larder::testing::ClaimsOf;
using larder::testing::DecodeBase64Url;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

SecretText RfcKey() {
  std::ifstream file(LARDER_CREDENTIAL_DATA "/rfc7515_rsa_key.pem");
  return SecretText(std::string(std::istreambuf_iterator<char>(file), {}));
}

// RFC 4648, section 10, in the other alphabet.
TEST(JwtTest, Base64UrlIsThatOfTheRfc) {
  EXPECT_EQ(Base64Url(""), "");
  EXPECT_EQ(Base64Url("f"), "Zg");
  EXPECT_EQ(Base64Url("fo"), "Zm8");
  EXPECT_EQ(Base64Url("foo"), "Zm9v");
  EXPECT_EQ(Base64Url("foob"), "Zm9vYg");
  EXPECT_EQ(Base64Url("fooba"), "Zm9vYmE");
  EXPECT_EQ(Base64Url("\xfb\xff\xfe"), "-__-");
}

// RFC 7515, appendix A.2.
TEST(JwtTest, SignatureIsThatOfThePublishedExample) {
  const Result<std::string> signature = SignRs256(
      "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
      "LmNvbS9pc19yb290Ijp0cnVlfQ",
      RfcKey());
  ASSERT_OK(signature);
  EXPECT_EQ(
      *signature,
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8"
      "W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPv"
      "kSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1ph"
      "CnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
}

TEST(JwtTest, WhatIsNoKeyIsRefusedAndNotShown) {
  for (const char* key :
       {"", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"}) {
    const Result<std::string> signature = SignRs256("text", SecretText(key));
    EXPECT_EQ(signature.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(signature.status().message(), Not(HasSubstr("hunter2")));
  }
}

TEST(JwtTest, ServiceAccountNamesWhatIsMissing) {
  const auto complaint = [](std::string_view json) {
    return ParseServiceAccount(json).status().message();
  };
  EXPECT_THAT(complaint("hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(complaint(R"({"client_email": "a@b"})"), HasSubstr("no private_key"));
  EXPECT_THAT(complaint(R"({"client_email": "a@b", "private_key": "hunter2"})"),
              HasSubstr("no token_uri"));
  EXPECT_OK(ParseServiceAccount(
      R"({"client_email": "a@b", "private_key": "hunter2", "token_uri": "https://t"})"));
}

TEST(JwtTest, AssertionClaimsAnHourFromALittleBeforeNow) {
  const ServiceAccount account{.client_email = "robot@project",
                               .private_key_id = "key-1",
                               .private_key = RfcKey(),
                               .token_uri = "https://oauth2.example.com/token"};
  const Result<std::string> assertion =
      MakeAssertion(account, "read", TimePoint(std::chrono::seconds(1'000'000)));
  ASSERT_OK(assertion);
  const std::size_t first = assertion->find('.');
  const std::size_t second = assertion->find('.', first + 1);
  EXPECT_EQ(nlohmann::json::parse(DecodeBase64Url(assertion->substr(0, first))),
            nlohmann::json::parse(R"({"alg": "RS256", "typ": "JWT", "kid": "key-1"})"));
  EXPECT_EQ(ClaimsOf(*assertion),
            nlohmann::json::parse(R"({"iss": "robot@project", "scope": "read", "iat": 999970,
              "exp": 1003570, "aud": "https://oauth2.example.com/token"})"));
  EXPECT_EQ(assertion->substr(second + 1),
            *SignRs256(assertion->substr(0, second), account.private_key));
}

}  // namespace
}  // namespace larder::client
