// The programs' sections of config.json, and the documents that are made from the table of keys.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "config_draft.h"
#include "config_schema.h"
#include "exit_status.h"
#include "larder/client/config_keys.h"
#include "status_matchers.h"
#include "temp_dir.h"
#include "tool_config.h"

namespace larder::tools {
namespace {

using larder::testing::TempDir;
using ::testing::HasSubstr;

std::string ReadTree(const std::string& name) {
  std::ifstream file(std::string(LARDER_SOURCE_DIR) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<ToolConfig> Load(const std::string& text) {
  const TempDir dir;
  std::ofstream(dir / "config.json") << text;
  const Result<client::ConfigDocument> document =
      client::ConfigDocument::Load({.file = dir / "config.json"});
  if (!document.ok()) return document.status();
  Result<ToolConfig> config = ReadToolConfig(*document);
  if (config.ok()) return config;
  std::string message = config.status().message();
  return Status(config.status().code(), message.erase(0, dir.path().size() + 1));
}

TEST(ToolConfigTest, ShippedFileWorksAsItIs) {
  const Result<client::ConfigDocument> document =
      client::ConfigDocument::Load({.file = std::string(LARDER_SOURCE_DIR) + "/config.json"});
  ASSERT_OK(document);
  const Result<ToolConfig> config = ReadToolConfig(*document);
  ASSERT_OK(config);
  EXPECT_EQ(config->gateway.host, "127.0.0.1");
  EXPECT_EQ(config->gateway.port, 8080);
  EXPECT_EQ(config->gateway.default_provider.at("openai"), "openai");
  EXPECT_EQ(config->gateway.default_provider.at("anthropic"), "anthropic");
  EXPECT_EQ(config->admin.socket, "./larder-data/admin.sock");
  EXPECT_EQ(config->client.providers.at("openai").base_url, "https://api.openai.com");
  EXPECT_EQ(config->client.prices.at("gpt-4o").output_per_million, 10.0);
}

TEST(ToolConfigTest, GatewayIsRead) {
  const Result<ToolConfig> config = Load(R"({
    "gateway": { "listen": "[::1]:0", "max_body_bytes": "1MiB" },
    "admin": { "socket": "/run/x.sock", "token": "${env:T}" },
    "logging": { "level": "debug", "format": "text", "file": "/tmp/log" },
    "metrics": { "enabled": false } })");
  ASSERT_OK(config);
  EXPECT_EQ(config->gateway.listen, "[::1]:0");
  EXPECT_EQ(config->gateway.host, "::1");
  EXPECT_EQ(config->gateway.port, 0);
  EXPECT_EQ(config->gateway.max_body_bytes, 1U << 20);
  EXPECT_EQ(config->admin.socket, "/run/x.sock");
  ASSERT_TRUE(config->admin.token.has_value());
  EXPECT_EQ(config->admin.token->reference(), "${env:T}");
  EXPECT_EQ(config->logging.level, LogLevel::kDebug);
  EXPECT_EQ(config->logging.format, LogFormat::kText);
  EXPECT_EQ(config->logging.file, "/tmp/log");
  EXPECT_FALSE(config->metrics.enabled);
}

TEST(ToolConfigTest, SocketOfNullIsNone) {
  const Result<ToolConfig> config = Load(R"({"admin": {"socket": null}})");
  ASSERT_OK(config);
  EXPECT_EQ(config->admin.socket, std::nullopt);
}

TEST(ToolConfigTest, OnlyProviderOfADialectIsItsDefault) {
  const Result<ToolConfig> one = Load(R"({"providers": {"a": {"base_url": "http://h"}}})");
  ASSERT_OK(one);
  EXPECT_EQ(one->gateway.default_provider.at("openai"), "a");
  EXPECT_FALSE(one->gateway.default_provider.contains("anthropic"));
  const Result<ToolConfig> two =
      Load(R"({"providers": {"a": {"base_url": "http://h"}, "b": {"base_url": "http://h"}}})");
  ASSERT_OK(two);
  EXPECT_FALSE(two->gateway.default_provider.contains("openai"));
}

TEST(ToolConfigTest, DefaultProviderMustSpeakTheDialect) {
  const Result<ToolConfig> config = Load(R"({
    "providers": { "claude": { "dialect": "anthropic", "base_url": "http://h" },
                   "local": { "base_url": "http://h" } },
    "gateway": { "default_provider": { "openai": "claude" } } })");
  EXPECT_EQ(config.status().message(),
            "config.json:4: /gateway/default_provider/openai: found \"claude\", which is not a "
            "provider with dialect \"openai\"; nearest is \"local\"");
}

TEST(ConfigDocumentsTest, SchemaInDocsIsTheOneOfTheTable) {
  EXPECT_EQ(ReadTree("docs/config.schema.json"), ConfigSchema())
      << "run: cachectl config schema > docs/config.schema.json";
}

TEST(ConfigDocumentsTest, ManualHoldsTheTable) {
  EXPECT_THAT(ReadTree("docs/configuration.md"), HasSubstr(ConfigTable())) << "the table must be:\n"
                                                                           << ConfigTable();
}

TEST(ConfigDocumentsTest, SchemaKnowsEveryKeyAndSaysHowItChanges) {
  const auto schema = nlohmann::json::parse(ConfigSchema());
  for (const client::ConfigKey& key : client::ConfigKeys()) {
    const nlohmann::json* node = &schema;
    for (const std::string& name : client::FromPointer(key.pointer)) {
      if (name == "[]") {
        node = &node->at("items");
      } else {
        node = name == "*" ? &node->at("additionalProperties") : &node->at("properties").at(name);
      }
    }
    EXPECT_EQ(node->at("x-larder-change"), key.live ? "live" : "restart") << key.pointer;
  }
}

TEST(ExitStatusTest, EveryCodeHasOne) {
  EXPECT_EQ(ToExitStatus(StatusCode::kOk), 0);
  EXPECT_EQ(ToExitStatus(StatusCode::kNotFound), 1);
  EXPECT_EQ(ToExitStatus(StatusCode::kInvalidArgument), 2);
  EXPECT_EQ(ToExitStatus(StatusCode::kUnavailable), 3);
  EXPECT_EQ(ToExitStatus(StatusCode::kDeadlineExceeded), 3);
  EXPECT_EQ(ToExitStatus(StatusCode::kDataLoss), 4);
  EXPECT_EQ(ToExitStatus(StatusCode::kInternal), 5);
}

}  // namespace
}  // namespace larder::tools
