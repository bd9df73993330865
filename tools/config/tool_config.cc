#include "tool_config.h"

#include <charconv>
#include <utility>

#include "larder/client/nearest_name.h"

namespace larder::tools {
namespace {

using client::ClientConfig;
using client::ConfigDocument;

Status Refuse(const ConfigDocument& document, const std::string& pointer,
              const std::string& complaint) {
  return {StatusCode::kInvalidArgument,
          document.Origin(pointer) + ": " + pointer + ": " + complaint};
}

ListenAddress ReadListen(const std::string& listen) {
  ListenAddress address;
  const std::size_t colon = listen.rfind(':');
  address.host = listen.substr(0, colon);
  if (address.host.starts_with('[')) address.host = address.host.substr(1, address.host.size() - 2);
  std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), address.port);
  return address;
}

std::vector<std::string_view> ProvidersOf(const ClientConfig& client, std::string_view dialect) {
  std::vector<std::string_view> names;
  for (const auto& [name, provider] : client.providers) {
    if (provider.dialect == dialect) names.push_back(name);
  }
  return names;
}

// Who answers a request in `dialect` whose path names no provider.
Status ReadDefaultProvider(const ConfigDocument& document, const ClientConfig& client,
                           const std::string& dialect, GatewayConfig& gateway) {
  const std::string pointer = "/gateway/default_provider/" + dialect;
  const std::vector<std::string_view> candidates = ProvidersOf(client, dialect);
  if (document.IsNull(pointer)) {
    if (candidates.size() == 1) gateway.default_provider[dialect] = candidates.front();
    return Status::Ok();
  }
  const std::string name = document.Text(pointer);
  for (const std::string_view candidate : candidates) {
    if (candidate == name) {
      gateway.default_provider[dialect] = name;
      return Status::Ok();
    }
  }
  const std::string nearest(client::NearestName(name, candidates));
  return Refuse(document, pointer,
                "found \"" + name + "\", which is not a provider with dialect \"" + dialect + "\"" +
                    (nearest.empty() ? "; there is none" : "; nearest is \"" + nearest + "\""));
}

client::CassetteMode ReadMode(std::string_view mode) {
  if (mode == "record") return client::CassetteMode::kRecord;
  return mode == "replay" ? client::CassetteMode::kReplay : client::CassetteMode::kNone;
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Without a check of who calls, and beyond this machine, a namespace is anybody's.
Status CheckIsolation(const ConfigDocument& document, const GatewayConfig& gateway) {
  if (gateway.isolation == Isolation::kCredential) return Status::Ok();
  if (!gateway.callers.empty() || IsLoopback(gateway.host)) return Status::Ok();
  return Refuse(document, "/gateway/isolation",
                "\"namespace\" needs gateway.clients, or a loopback address in gateway.listen: "
                "else any caller reads what any other paid for");
}

Result<GatewayConfig> ReadGateway(const ConfigDocument& document, const ClientConfig& client) {
  GatewayConfig gateway;
  gateway.listen = document.Text("/gateway/listen");
  ListenAddress address = ReadListen(gateway.listen);
  gateway.host = std::move(address.host);
  gateway.port = address.port;
  gateway.max_body_bytes = document.Size("/gateway/max_body_bytes");
  gateway.max_request_memory_bytes = document.Size("/gateway/max_request_memory_bytes");
  gateway.drain_timeout = document.Time("/gateway/drain_timeout");
  gateway.mode = ReadMode(document.Text("/gateway/mode"));
  const auto count = [&](const char* pointer) {
    return static_cast<std::size_t>(document.Integer(pointer));
  };
  gateway.max_connections_per_client = count("/gateway/max_connections_per_client");
  gateway.upstream = {.max_concurrent = count("/gateway/max_concurrent_upstream"),
                      .max_queued = count("/gateway/max_queued_upstream"),
                      .max_wait = document.Time("/gateway/max_queue_wait")};
  if (document.Text("/gateway/isolation") == "namespace") gateway.isolation = Isolation::kNamespace;
  Result<std::vector<CallerConfig>> callers = ReadCallers(document);
  if (!callers.ok()) return callers.status();
  gateway.callers = *std::move(callers);
  if (Status status = CheckIsolation(document, gateway); !status.ok()) return status;
  if (document.Text("/gateway/on_abort") == "cancel") gateway.on_abort = client::OnAbort::kCancel;
  for (const char* dialect : {"openai", "anthropic"}) {
    const Status status = ReadDefaultProvider(document, client, dialect, gateway);
    if (!status.ok()) return status;
  }
  return gateway;
}

Result<AdminConfig> ReadAdmin(const ConfigDocument& document, const ClientConfig& client) {
  AdminConfig admin;
  if (!document.IsNull("/admin/socket")) {
    const std::string socket = document.Text("/admin/socket");
    admin.socket = socket == "auto" ? client.cache.directory + "/admin.sock" : socket;
  }
  if (!document.IsNull("/admin/token")) {
    Result<client::Secret> token = client::Secret::Parse(document.Text("/admin/token"));
    if (!token.ok()) return Refuse(document, "/admin/token", token.status().message());
    admin.token = *std::move(token);
  }
  if (document.IsNull("/admin/listen")) return admin;
  admin.listen = ReadListen(document.Text("/admin/listen"));
  if (admin.token) return admin;
  return Refuse(document, "/admin/listen",
                "needs admin.token: over TCP the admin API is for those who send it");
}

LogLevel ReadLevel(std::string_view level) {
  if (level == "debug") return LogLevel::kDebug;
  if (level == "warning") return LogLevel::kWarning;
  if (level == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

LoggingConfig ReadLogging(const ConfigDocument& document) {
  LoggingConfig logging;
  logging.level = ReadLevel(document.Text("/logging/level"));
  logging.format = document.Text("/logging/format") == "text" ? LogFormat::kText : LogFormat::kJson;
  if (!document.IsNull("/logging/file")) logging.file = document.Text("/logging/file");
  return logging;
}

}  // namespace

Result<ToolConfig> LoadToolConfig(const std::string& file,
                                  const std::vector<client::ConfigFlag>& flags) {
  const Result<ConfigDocument> document = ConfigDocument::Load(
      {.file = file, .environment = client::ProcessEnvironment(), .flags = flags});
  if (!document.ok()) return document.status();
  return ReadToolConfig(*document);
}

Result<ToolConfig> ReadToolConfig(const ConfigDocument& document) {
  Result<ClientConfig> client = client::ReadClientConfig(document);
  if (!client.ok()) return client.status();
  Result<GatewayConfig> gateway = ReadGateway(document, *client);
  if (!gateway.ok()) return gateway.status();
  Result<AdminConfig> admin = ReadAdmin(document, *client);
  if (!admin.ok()) return admin.status();
  ToolConfig config;
  config.client = *std::move(client);
  config.gateway = *std::move(gateway);
  config.admin = *std::move(admin);
  config.logging = ReadLogging(document);
  config.metrics.enabled = document.Flag("/metrics/enabled");
  config.file = document.file();
  return config;
}

}  // namespace larder::tools
