// ToolConfig: all of config.json as the programs need it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "caller_config.h"
#include "larder/client/call_limits.h"
#include "larder/client/cassette.h"
#include "larder/client/config.h"
#include "larder/client/config_document.h"
#include "larder/client/on_abort.h"
#include "larder/client/secret.h"
#include "larder/options.h"
#include "larder/result.h"

namespace larder::tools {

// Who shares answers.
enum class Isolation {
  kCredential,  // holders of the same credential, or of one client's keys
  kNamespace,   // all who use the same namespace
};

struct ListenAddress {
  std::string host;        // an IPv6 address without brackets
  std::uint16_t port = 0;  // 0 = any free one
};

struct GatewayConfig {
  std::string listen;  // as written: "127.0.0.1:8080"
  std::string host;    // its parts
  std::uint16_t port = 0;
  // Dialect ("openai", "anthropic") -> name of the provider that a path without one goes to. A
  // dialect may be missing: such requests name their provider or get an error.
  std::map<std::string, std::string> default_provider;
  std::uint64_t max_body_bytes = std::uint64_t{32} << 20;
  std::uint64_t max_request_memory_bytes = std::uint64_t{256} << 20;  // of all bodies together
  Duration drain_timeout = std::chrono::seconds(30);
  std::size_t max_connections_per_client = 0;  // 0 = any number
  Isolation isolation = Isolation::kCredential;
  std::vector<CallerConfig> callers;  // gateway.clients; none: everybody may call
  client::CassetteMode mode = client::CassetteMode::kNone;
  client::CallLimit upstream = {.max_concurrent = 4096};
  client::OnAbort on_abort = client::OnAbort::kFinish;
};

struct AdminConfig {
  // Path of the admin socket, "auto" resolved; unset = none is served.
  std::optional<std::string> socket;
  std::optional<ListenAddress> listen;  // over TCP; then there is a token
  std::optional<client::Secret> token;
};

enum class LogFormat { kJson, kText };

struct LoggingConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kJson;
  std::optional<std::string> file;  // unset = stderr
};

struct MetricsConfig {
  bool enabled = true;
};

struct ToolConfig {
  client::ClientConfig client;
  GatewayConfig gateway;
  AdminConfig admin;
  LoggingConfig logging;
  MetricsConfig metrics;
  std::string file;  // that was read; empty if there was none
};

// Loads and checks everything; `file` is --config or empty. A flag is for example
// {"--listen", "/gateway/listen", value}. Uses the environment of the process.
// Errors: kInvalidArgument, one line fit to be shown as it is.
Result<ToolConfig> LoadToolConfig(const std::string& file,
                                  const std::vector<client::ConfigFlag>& flags = {});
// The same from a document that is already loaded.
Result<ToolConfig> ReadToolConfig(const client::ConfigDocument& document);

}  // namespace larder::tools
