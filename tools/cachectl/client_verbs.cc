// client add, ls, rm: who may use the gateway (gateway.clients). The configuration holds hashes
// only; a key is shown once, when it is made.
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>

#include "base64url.h"
#include "config_edit.h"
#include "console.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

// A prefix that people and scanners for leaked secrets know it by, and 256 bits.
Result<std::string> MakeKey() {
  std::array<unsigned char, 32> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return Status(StatusCode::kInternal, "the system gives no random bytes");
  }
  return "larder-" +
         admin::ToBase64Url({reinterpret_cast<const char*>(random.data()), random.size()});
}

std::string Sha256Hex(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Result<ordered_json> ReadNumberFlag(const Invocation& invocation, const char* flag) {
  const std::string text = invocation.Value(flag);
  const ordered_json number = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (number.is_number()) return number;
  return Status(StatusCode::kInvalidArgument,
                std::string(flag) + ": \"" + text + "\" is not a number");
}

// The client's section of the configuration. Ranges are for the configuration to check.
Result<ordered_json> ReadClient(const Invocation& invocation) {
  ordered_json client = ordered_json::object();
  if (invocation.Has("--namespace")) client["namespace"] = invocation.Value("--namespace");
  if (invocation.Has("--provider")) client["providers"] = invocation.Values("--provider");
  if (invocation.Has("--model")) client["models"] = invocation.Values("--model");
  for (const auto& [flag, name] : {std::pair("--requests-per-minute", "requests_per_minute"),
                                   std::pair("--usd-per-day", "usd_per_day")}) {
    if (!invocation.Has(flag)) continue;
    const Result<ordered_json> number = ReadNumberFlag(invocation, flag);
    if (!number.ok()) return number.status();
    client[name] = *number;
  }
  return client;
}

// By name; empty if there are none.
Result<ordered_json> Clients(const Invocation& invocation) {
  const Result<std::string> shown = ShownConfig(invocation);
  if (!shown.ok()) return shown.status();
  const ordered_json whole = ordered_json::parse(*shown);
  const ordered_json::json_pointer place("/config/gateway/clients");
  return whole.contains(place) ? whole.at(place) : ordered_json::object();
}

std::string PatchOf(const std::string& name, const ordered_json& client) {
  return ordered_json{{"gateway", {{"clients", {{name, client}}}}}}.dump();
}

// "a, b", a number, or "-".
std::string Shown(const ordered_json& client, const char* name) {
  if (!client.contains(name) || client[name].is_null()) return "-";
  const ordered_json& value = client[name];
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const ordered_json& one : value) text += (text.empty() ? "" : ", ") + one.get<std::string>();
  return text;
}

}  // namespace

Result<tools::ExitStatus> RunClientAdd(const Invocation& invocation, Console& console) {
  const std::string& name = invocation.arguments[0];
  const Result<ordered_json> known = Clients(invocation);
  if (!known.ok()) return known.status();
  if (known->contains(name)) {
    return Status(StatusCode::kInvalidArgument,
                  "there is a client \"" + name + "\"; take it out first: its key ends with it");
  }
  Result<ordered_json> client = ReadClient(invocation);
  if (!client.ok()) return client.status();
  const Result<std::string> key = MakeKey();
  if (!key.ok()) return key.status();
  (*client)["key_sha256"] = Sha256Hex(*key);
  const Result<std::string> done = PatchConfig(PatchOf(name, *client), invocation);
  if (!done.ok()) return done.status();
  if (console.json()) {
    console.Line(ordered_json{{"name", name}, {"key", *key}}.dump());
  } else {
    console.Line(*key);
  }
  console.Note("cachectl: this is the only time that the key is shown");
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunClientList(const Invocation& invocation, Console& console) {
  const Result<ordered_json> clients = Clients(invocation);
  if (!clients.ok()) return clients.status();
  for (const auto& [name, client] : clients->items()) {
    ordered_json line = {{"name", name}};
    line.update(client);
    line.erase("key_sha256");
    if (console.json()) {
      console.Line(line.dump());
      continue;
    }
    Rows rows = {{name, ""}};
    for (const char* field :
         {"namespace", "providers", "models", "requests_per_minute", "usd_per_day"}) {
      rows.emplace_back(field, Shown(client, field));
    }
    console.Table(rows);
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunClientRemove(const Invocation& invocation, Console& console) {
  const std::string& name = invocation.arguments[0];
  const Result<ordered_json> clients = Clients(invocation);
  if (!clients.ok()) return clients.status();
  if (!clients->contains(name)) {
    return Status(StatusCode::kNotFound, "there is no client \"" + name + "\"");
  }
  const Result<std::string> done = PatchConfig(PatchOf(name, nullptr), invocation);
  if (!done.ok()) return done.status();
  if (console.json()) console.Line(ordered_json{{"name", name}, {"removed", true}}.dump());
  if (clients->size() == 1) {
    console.Note("cachectl: it was the last one: from now on everybody may call");
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
