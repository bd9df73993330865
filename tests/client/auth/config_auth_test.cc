#include "config_auth.h"

#include <fstream>

#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using larder::testing::TempDir;
using ::testing::HasSubstr;

// What `"auth": TEXT` of a provider means.
Result<AuthConfig> Read(const std::string& text) {
  const TempDir dir;
  std::ofstream(dir / "config.json")
      << R"({"providers": {"a": {"base_url": "https://h", "auth": )" << text << "}}}";
  const Result<ConfigDocument> document =
      ConfigDocument::Load({.file = dir / "config.json", .environment = {}, .flags = {}});
  if (!document.ok()) return document.status();
  const Result<ClientConfig> config = ReadClientConfig(*document);
  if (!config.ok()) return config.status();
  return config->providers.at("a").auth;
}

std::string Complaint(const std::string& text) { return Read(text).status().message(); }

TEST(ConfigAuthTest, NothingMeansThatTheCallersCredentialPassesThrough) {
  const Result<AuthConfig> auth = Read("{}");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->method, AuthMethod::kPassThrough);
}

TEST(ConfigAuthTest, EachMethodIsReadWithItsKeys) {
  Result<AuthConfig> auth = Read(R"({"method": "bearer", "token": "${vault:t}"})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->method, AuthMethod::kBearer);
  EXPECT_EQ(auth->token->reference(), "${vault:t}");
  auth = Read(R"({"method": "api_key", "key": "${env:K}", "header": "x-goog-api-key"})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->header, "x-goog-api-key");
  auth = Read(R"({"method": "oauth2", "token_url": "https://t/token", "client_id": "me",
                  "client_secret": "${env:S}", "client_auth": "post", "scope": "a b"})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->client_auth, ClientAuth::kPost);
  EXPECT_EQ(auth->scope, "a b");
  auth = Read(R"({"method": "google", "credentials": "${file:/account.json}"})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->scope, "https://www.googleapis.com/auth/cloud-platform");
  auth = Read(R"({"method": "aws_sigv4", "access_key_id": "${env:I}",
                  "secret_access_key": "${env:K}", "region": "eu-west-1"})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->service, "bedrock");
  auth = Read(R"({"method": "command", "command": ["gcloud", "auth", "print-access-token"]})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->command.size(), 3u);
}

TEST(ConfigAuthTest, MethodIsUnderstoodWhereOneKeySaysIt) {
  EXPECT_EQ(Read(R"({"token": "${vault:t}"})")->method, AuthMethod::kBearer);
  const Result<AuthConfig> auth = Read(R"({"key": "${vault:k}"})");
  ASSERT_OK(auth);
  EXPECT_EQ(auth->method, AuthMethod::kApiKey);
  EXPECT_EQ(auth->header, "x-api-key");
  EXPECT_THAT(Complaint(R"({"client_id": "me"})"), HasSubstr("\"method\" is missing"));
}

TEST(ConfigAuthTest, KeyThatIsMissingOrOfAnotherMethodIsNamed) {
  EXPECT_THAT(Complaint(R"({"method": "bearer"})"),
              HasSubstr("/providers/a/auth: the method bearer needs \"token\""));
  EXPECT_THAT(Complaint(R"({"method": "oauth2", "token_url": "https://t", "client_id": "me"})"),
              HasSubstr("needs \"client_secret\""));
  EXPECT_THAT(Complaint(R"({"method": "bearer", "token": "${env:T}", "region": "eu"})"),
              HasSubstr("/providers/a/auth/region: does not belong to the method bearer"));
}

TEST(ConfigAuthTest, SecretsDoNotGoInTheClear) {
  const auto with_url = [](const std::string& url) {
    return Complaint(R"({"method": "oauth2", "client_id": "me", "client_secret": "${env:S}",
                         "token_url": ")" +
                     url + "\"}");
  };
  EXPECT_THAT(with_url("http://login.example.com/token"), HasSubstr("https only"));
  EXPECT_EQ(with_url("https://login.example.com/token"), "");
  EXPECT_EQ(with_url("http://127.0.0.1:8080/token"), "");
}

TEST(ConfigAuthTest, HeaderAndCommandThatAreNoneAreRefused) {
  EXPECT_THAT(Complaint(R"({"key": "${env:K}", "header": "x y"})"),
              HasSubstr("/providers/a/auth/header: not a name"));
  for (const char* ours : {"host", "Content-Length", "connection", "transfer-encoding"}) {
    EXPECT_THAT(Complaint(R"({"key": "${env:K}", "header": ")" + std::string(ours) + "\"}"),
                HasSubstr("/providers/a/auth/header: not a name"))
        << ours;
  }
  EXPECT_THAT(Complaint(R"({"method": "command", "command": []})"), HasSubstr("command"));
}

}  // namespace
}  // namespace larder::client
