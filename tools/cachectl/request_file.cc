#include "request_file.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "input_file.h"
#include "larder/client/directives.h"
#include "larder/client/nearest_name.h"

namespace larder::cachectl {
namespace {

using client::ProviderConfig;

constexpr const char* kUsualPath = "/v1/chat/completions";
constexpr const char* kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

// --provider, else the one that the gateway sends such a path to.
Result<ProviderConfig> ChooseProvider(const Invocation& invocation, const std::string& path,
                                      const tools::ToolConfig& config) {
  std::string name = invocation.Value("--provider");
  if (name.empty()) {
    const bool anthropic = path.substr(0, path.find('?')).ends_with("/messages");
    const std::string dialect = anthropic ? "anthropic" : "openai";
    const auto found = config.gateway.default_provider.find(dialect);
    if (found == config.gateway.default_provider.end()) {
      return Invalid("the configuration has no default provider with dialect \"" + dialect +
                     "\"; name one with --provider");
    }
    name = found->second;
  }
  const auto provider = config.client.providers.find(name);
  if (provider != config.client.providers.end()) return provider->second;
  std::vector<std::string_view> known;
  for (const auto& item : config.client.providers) known.push_back(item.first);
  const std::string nearest(client::NearestName(name, known));
  return Invalid("no provider \"" + name + "\"" +
                 (nearest.empty() ? ", nor any other" : "; nearest is \"" + nearest + "\""));
}

Status AddHeader(const std::string& text, client::Headers& headers) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == text.npos) return Invalid("--header is not NAME:VALUE");
  const std::size_t value = text.find_first_not_of(" \t", colon + 1);
  headers.Add(text.substr(0, colon), value == text.npos ? "" : text.substr(value));
  return Status::Ok();
}

Status AddCredential(const Invocation& invocation, const ProviderConfig& provider,
                     client::Headers& headers) {
  const std::string variable = invocation.Value("--credential-from-env");
  if (variable.empty()) return Status::Ok();
  const char* credential = std::getenv(variable.c_str());
  if (credential == nullptr || *credential == '\0') {
    return Invalid("environment variable " + variable + " is not set");
  }
  if (provider.dialect == "anthropic") {
    headers.Add("x-api-key", credential);
  } else {
    headers.Add("authorization", std::string("Bearer ") + credential);
  }
  return Status::Ok();
}

// --method, else the one that the dialect usually has.
Result<std::string> ChooseMethod(const Invocation& invocation, const ProviderConfig& provider,
                                 const std::string& body) {
  if (!invocation.Has("--method")) {
    return std::string(provider.dialect == "http" && body.empty() ? "GET" : "POST");
  }
  const std::string method = invocation.Value("--method");
  const bool valid = !method.empty() && method.find_first_not_of(kCapitals) == method.npos;
  if (valid) return method;
  return Invalid("--method is \"" + method + "\", not a method such as GET or POST, in capitals");
}

// All but the body, with its Larder-... headers.
Result<client::Request> MakeRequest(const Invocation& invocation, const ProviderConfig& provider,
                                    std::string target) {
  client::Request request;
  request.target = std::move(target);
  for (const std::string& header : invocation.Values("--header")) {
    if (Status status = AddHeader(header, request.headers); !status.ok()) return status;
  }
  if (invocation.Has("--namespace")) {
    request.headers.Set("larder-namespace", invocation.Value("--namespace"));
  }
  if (invocation.Has("--sample")) {
    request.headers.Set("larder-sample", invocation.Value("--sample"));
  }
  Status status = AddCredential(invocation, provider, request.headers);
  if (!status.ok()) return status;
  Result<client::Directives> directives = client::ParseDirectives(request.headers);
  if (!directives.ok()) return directives.status();
  request.directives = *std::move(directives);
  return request;
}

}  // namespace

Result<RequestFile> ReadUsualRequest(const Invocation& invocation) {
  std::vector<client::ConfigFlag> flags;
  const std::string directory = invocation.Value("--dir");
  if (!directory.empty()) flags.push_back({"--dir", "/cache/directory", directory});
  Result<tools::ToolConfig> config = tools::LoadToolConfig(invocation.Value("--config"), flags);
  if (!config.ok()) return config.status();
  const std::string target =
      invocation.Has("--path") ? invocation.Value("--path") : std::string(kUsualPath);
  Result<ProviderConfig> provider = ChooseProvider(invocation, target, *config);
  if (!provider.ok()) return provider.status();
  Result<client::Request> request = MakeRequest(invocation, *provider, target);
  if (!request.ok()) return request.status();
  return RequestFile{*std::move(config), *std::move(provider), *std::move(request)};
}

Result<RequestFile> ReadRequestFile(const Invocation& invocation, const std::string& file) {
  Result<RequestFile> usual = ReadUsualRequest(invocation);
  if (!usual.ok()) return usual;
  Result<std::string> body = ReadInput(file);
  if (!body.ok()) return body.status();
  usual->request.body = *std::move(body);
  Result<std::string> method = ChooseMethod(invocation, usual->provider, usual->request.body);
  if (!method.ok()) return method.status();
  usual->request.method = *std::move(method);
  client::RemoveDirectives(usual->request.headers);
  return usual;
}

}  // namespace larder::cachectl
