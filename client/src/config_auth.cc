#include "config_auth.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "curl_request.h"
#include "larder/client/config_keys.h"

namespace larder::client {
namespace {

constexpr std::string_view kDefaultHeader = "x-api-key";

struct MethodKeys {
  std::string_view name;
  AuthMethod method;
  std::vector<std::string_view> needed;
  std::vector<std::string_view> optional;
};

const std::vector<MethodKeys>& Methods() {
  static const std::vector<MethodKeys> methods = {
      {"bearer", AuthMethod::kBearer, {"token"}, {}},
      {"api_key", AuthMethod::kApiKey, {"key"}, {"header"}},
      {"oauth2",
       AuthMethod::kOAuth2,
       {"token_url", "client_id", "client_secret"},
       {"client_auth", "scope"}},
      {"google", AuthMethod::kGoogle, {"credentials"}, {"scope"}},
      {"aws_sigv4",
       AuthMethod::kAwsSigV4,
       {"access_key_id", "secret_access_key", "region"},
       {"service", "session_token"}},
      {"command", AuthMethod::kCommand, {"command"}, {}},
  };
  return methods;
}

class AuthReader {
 public:
  AuthReader(const ConfigDocument& document, const std::string& provider)
      : document_(document), base_(ToPointer({"providers", provider, "auth"})) {}

  bool Has(std::string_view key) const { return !document_.IsNull(Pointer(key)); }
  std::string Text(std::string_view key, std::string_view otherwise = "") const {
    return Has(key) ? document_.Text(Pointer(key)) : std::string(otherwise);
  }
  std::optional<Secret> Reference(std::string_view key) const {
    if (!Has(key)) return std::nullopt;
    const Result<Secret> secret = Secret::Parse(Text(key));
    return secret.ok() ? std::optional(*secret) : std::nullopt;
  }
  std::vector<std::string> List(std::string_view key) const {
    return Has(key) ? document_.List(Pointer(key)) : std::vector<std::string>();
  }
  Status Refuse(std::string_view key, const std::string& complaint) const {
    const std::string pointer = key.empty() ? base_ : Pointer(key);
    return {StatusCode::kInvalidArgument,
            document_.Origin(pointer) + ": " + pointer + ": " + complaint};
  }

 private:
  std::string Pointer(std::string_view key) const { return base_ + "/" + std::string(key); }

  const ConfigDocument& document_;
  const std::string base_;
};

// By its name, or by the one key that can only be its: `config set` sets one key at a time.
const MethodKeys* FindMethod(const AuthReader& reader) {
  std::string name = reader.Text("method");
  if (name.empty() && reader.Has("token")) name = "bearer";
  if (name.empty() && reader.Has("key")) name = "api_key";
  const auto found = std::ranges::find(Methods(), name, &MethodKeys::name);
  return found == Methods().end() ? nullptr : &*found;
}

template <typename Text>
bool Contains(const std::vector<Text>& texts, std::string_view text) {
  return std::ranges::find(texts, text) != texts.end();
}

// The first of all methods' keys that is there, or empty.
std::string_view AnyKey(const AuthReader& reader, const MethodKeys* but_not_of) {
  for (const MethodKeys& method : Methods()) {
    for (const auto* keys : {&method.needed, &method.optional}) {
      for (const std::string_view key : *keys) {
        const bool belongs = but_not_of != nullptr && (Contains(but_not_of->needed, key) ||
                                                       Contains(but_not_of->optional, key));
        if (reader.Has(key) && !belongs) return key;
      }
    }
  }
  return {};
}

// A field of HTTP, and not one that the transport writes itself.
bool CanCarryKey(const std::string& header) {
  Request probe;
  probe.target = "/";
  probe.headers.Set(header, "key");
  return CheckRequest(probe).ok() && Contains(HeaderLines(probe.headers), header + ": key");
}

Status CheckKeys(const AuthReader& reader, const MethodKeys& method) {
  const std::string name(method.name);
  for (const std::string_view key : method.needed) {
    if (!reader.Has(key)) {
      return reader.Refuse("", "the method " + name + " needs \"" + std::string(key) + "\"");
    }
  }
  const std::string_view other = AnyKey(reader, &method);
  if (!other.empty()) return reader.Refuse(other, "does not belong to the method " + name);
  const std::string url = reader.Text("token_url");
  if (!url.empty() && !url.starts_with("https://") && !IsLoopback(url)) {
    return reader.Refuse("token_url", "secrets go over https only, but to this machine");
  }
  if (!CanCarryKey(reader.Text("header", kDefaultHeader))) {
    return reader.Refuse("header", "not a name of a header field that can carry a key");
  }
  if (method.method == AuthMethod::kCommand && reader.List("command").front().empty()) {
    return reader.Refuse("command", "the program has no name");
  }
  return Status::Ok();
}

std::string_view DefaultScope(AuthMethod method) {
  return method == AuthMethod::kGoogle ? "https://www.googleapis.com/auth/cloud-platform" : "";
}

}  // namespace

Result<AuthConfig> ReadAuth(const ConfigDocument& document, const std::string& provider) {
  const AuthReader reader(document, provider);
  const MethodKeys* method = FindMethod(reader);
  if (method == nullptr) {
    const std::string_view key = AnyKey(reader, nullptr);
    if (key.empty()) return AuthConfig();
    return reader.Refuse("", "\"method\" is missing");
  }
  if (Status checked = CheckKeys(reader, *method); !checked.ok()) return checked;
  AuthConfig auth;
  auth.method = method->method;
  auth.token = reader.Reference("token");
  auth.key = reader.Reference("key");
  auth.header = reader.Text("header", kDefaultHeader);
  auth.token_url = reader.Text("token_url");
  auth.client_id = reader.Text("client_id");
  auth.client_secret = reader.Reference("client_secret");
  auth.client_auth = reader.Text("client_auth") == "post" ? ClientAuth::kPost : ClientAuth::kBasic;
  auth.scope = reader.Text("scope", DefaultScope(auth.method));
  auth.credentials = reader.Reference("credentials");
  auth.access_key_id = reader.Reference("access_key_id");
  auth.secret_access_key = reader.Reference("secret_access_key");
  auth.session_token = reader.Reference("session_token");
  auth.region = reader.Text("region");
  auth.service = reader.Text("service", "bedrock");
  auth.command = reader.List("command");
  return auth;
}

}  // namespace larder::client
