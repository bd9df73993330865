#include "config_tls.h"

#include <fstream>

#include "larder/client/config.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using larder::testing::TempDir;
using ::testing::HasSubstr;

// What `"tls": TEXT` of a provider means.
Result<TlsConfig> Read(const std::string& text, const std::string& url = "https://h") {
  const TempDir dir;
  std::ofstream(dir / "config.json")
      << R"({"providers": {"a": {"base_url": ")" << url << R"(", "tls": )" << text << "}}}";
  const Result<ConfigDocument> document =
      ConfigDocument::Load({.file = dir / "config.json", .environment = {}, .flags = {}});
  if (!document.ok()) return document.status();
  const Result<ClientConfig> config = ReadClientConfig(*document);
  if (!config.ok()) return config.status();
  return config->providers.at("a").tls;
}

std::string Complaint(const std::string& text, const std::string& url = "https://h") {
  return Read(text, url).status().message();
}

TEST(ConfigTlsTest, EveryKeyIsRead) {
  const Result<TlsConfig> tls = Read(
      R"({"ca_file": "ca", "crl_file": "crl", "server_name": "api.example.com",
          "client_certificate": "client", "client_key": "${vault:client}"})");
  ASSERT_OK(tls);
  EXPECT_EQ(*tls, (TlsConfig{.ca_file = "ca",
                             .crl_file = "crl",
                             .server_name = "api.example.com",
                             .client_certificate = "client",
                             .client_key = *Secret::Parse("${vault:client}")}));
  EXPECT_EQ(*Read("{}", "http://h"), TlsConfig());
}

TEST(ConfigTlsTest, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_THAT(Complaint(R"({"client_certificate": "c"})"),
              HasSubstr("/providers/a/tls: client_certificate and client_key go together"));
  EXPECT_THAT(Complaint(R"({"client_key": "${env:K}"})"), HasSubstr("go together"));
  EXPECT_THAT(Complaint(R"({"ca_file": "ca"})", "http://h"),
              HasSubstr("/providers/a/tls: base_url is not https"));
  EXPECT_THAT(Complaint(R"({"server_name": "a b"})"),
              HasSubstr("/providers/a/tls/server_name: not the name of a host"));
}

TEST(ConfigTlsTest, KeyIsNoLiteral) {
  const std::string complaint =
      Complaint(R"({"client_certificate": "c", "client_key": "hunter2"})");
  EXPECT_THAT(complaint, HasSubstr("/providers/a/tls/client_key: found a literal (not shown)"));
}

}  // namespace
}  // namespace larder::client
