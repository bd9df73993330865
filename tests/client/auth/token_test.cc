#include "auth/token.h"

#include <fstream>

#include "status_matchers.h"

namespace larder::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

constexpr TimePoint kNow{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z

// "TOKEN for N ms", or why not.
std::string Show(const Result<Token>& token) {
  if (!token.ok()) return token.status().message();
  const std::string text(token->text.Reveal());
  if (token->lifetime == kForever) return text + " for ever";
  return text + " for " + std::to_string(token->lifetime.count()) + " ms";
}

TEST(TokenTest, AnswerOfAnEndpointHasATokenAndItsLife) {
  EXPECT_EQ(Show(ParseTokenAnswer(
                200, R"({"access_token": "abc", "token_type": "Bearer", "expires_in": 3600})")),
            "abc for 3600000 ms");
  EXPECT_EQ(Show(ParseTokenAnswer(200, R"({"access_token": "abc", "expires_in": "60"})")),
            "abc for 60000 ms");
  EXPECT_EQ(Show(ParseTokenAnswer(200, R"({"access_token": "abc", "expires_in": 0.5})")),
            "abc for 500 ms");
  EXPECT_EQ(Show(ParseTokenAnswer(200, R"({"access_token": "abc"})")), "abc for ever");
  EXPECT_EQ(Show(ParseTokenAnswer(200, R"({"access_token": "abc", "expires_in": 1e300})")),
            "abc for 315360000000 ms");
}

TEST(TokenTest, AnswerThatIsNoneIsRefusedWithoutBeingQuoted) {
  for (const char* body : {"hunter2", "[\"hunter2\"]", "{}", R"({"access_token": 7})",
                           R"({"access_token": ""})", R"({"access_token": "hunter2\r\nx: y"})",
                           R"({"access_token": "hunter2", "expires_in": -1})",
                           R"({"access_token": "hunter2", "expires_in": "soon"})",
                           R"({"access_token": "hunter2", "expires_in": []})",
                           R"({"access_token": "hunter2", "token_type": "mac"})", ""}) {
    const Result<Token> token = ParseTokenAnswer(200, body);
    EXPECT_EQ(token.status().code(), StatusCode::kUnavailable) << body;
    EXPECT_THAT(token.status().message(), Not(HasSubstr("hunter2")));
  }
}

TEST(TokenTest, ErrorOfAnEndpointIsNamedByItsCodeAlone) {
  EXPECT_EQ(
      Show(ParseTokenAnswer(401, R"({"error": "invalid_client", "error_description": "hunter2"})")),
      "it answered 401 (invalid_client)");
  EXPECT_EQ(Show(ParseTokenAnswer(400, R"({"error": "sk-HUNTER2"})")), "it answered 400");
  EXPECT_EQ(Show(ParseTokenAnswer(503, "hunter2")), "it answered 503");
}

TEST(TokenTest, PrintedTokenIsPlainOrAsKubectlsPluginsPrintIt) {
  EXPECT_EQ(Show(ParsePrintedToken("  abc\r\n", kNow)), "abc for ever");
  EXPECT_EQ(Show(ParsePrintedToken(R"({"kind": "ExecCredential", "status":
              {"token": "abc", "expirationTimestamp": "2026-01-01T01:00:00Z"}})",
                                   kNow)),
            "abc for 3600000 ms");
  EXPECT_EQ(Show(ParsePrintedToken(
                R"({"status": {"token": "abc", "expirationTimestamp": "2026-01-01T00:00:01.5Z"}})",
                kNow)),
            "abc for 1000 ms");
  EXPECT_EQ(Show(ParsePrintedToken(R"({"status": {"token": "abc"}})", kNow)), "abc for ever");
  EXPECT_EQ(Show(ParsePrintedToken(R"({"access_token": "abc", "expires_in": 5})", kNow)),
            "abc for 5000 ms");
  EXPECT_EQ(Show(ParsePrintedToken(R"({"token": "abc"})", kNow)), "abc for ever");
}

TEST(TokenTest, TokenThatWasOverWhenItWasPrintedHasNoLife) {
  EXPECT_EQ(
      Show(ParsePrintedToken(
          R"({"status": {"token": "abc", "expirationTimestamp": "2025-12-31T23:59:59Z"}})", kNow)),
      "abc for 0 ms");
}

TEST(TokenTest, TimestampFarAwayMeansTenYearsAsALifetimeDoes) {
  EXPECT_EQ(
      Show(ParsePrintedToken(
          R"({"status": {"token": "abc", "expirationTimestamp": "9999-12-31T23:59:59Z"}})", kNow)),
      "abc for 315360000000 ms");
}

TEST(TokenTest, PrintedTextThatIsNoTokenIsRefusedWithoutBeingQuoted) {
  for (const char* text :
       {"", "hunter2 hunter2", "hunter2\nhunter2", "{hunter2", "{}", R"({"status": "hunter2"})",
        R"({"status": {"token": "hunter2", "expirationTimestamp": "tomorrow"}})",
        R"({"status": {"token": "hunter2", "expirationTimestamp": "2026-01-01T00:00:00+02:00"}})",
        R"({"status": {"token": "hunter2", "expirationTimestamp": 5}})"}) {
    const Result<Token> token = ParsePrintedToken(text, kNow);
    EXPECT_EQ(token.status().code(), StatusCode::kUnavailable) << text;
    EXPECT_THAT(token.status().message(), Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace larder::client
