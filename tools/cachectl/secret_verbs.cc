// secret set, ls, rm, rekey. Values come from the terminal or stdin, never from the command line,
// which every user of the machine can read.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "console.h"
#include "core_dumps.h"
#include "input_file.h"
#include "invocation.h"
#include "larder/client/vault_access.h"
#include "terminal_prompt.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using client::SecretText;
using client::Vault;
using nlohmann::ordered_json;

Result<Vault> OpenVault(const std::string& path) {
  tools::ForbidCoreDumps();
  if (!std::filesystem::exists(path)) {
    return Status(StatusCode::kNotFound, "there is no vault " + path);
  }
  if (tools::HasTerminal()) client::SetVaultPrompt(tools::AskPassphrase);
  const Result<SecretText> passphrase = client::VaultPassphrase(path);
  if (!passphrase.ok()) return passphrase.status();
  return Vault::Open(path, *passphrase);
}

Result<Vault> OpenOrCreateVault(const std::string& path) {
  if (std::filesystem::exists(path)) return OpenVault(path);
  tools::ForbidCoreDumps();
  if (tools::HasTerminal()) client::SetVaultPrompt(tools::AskNewPassphrase);
  const Result<SecretText> passphrase = client::VaultPassphrase(path);
  if (!passphrase.ok()) return passphrase.status();
  return Vault::Create(path, *passphrase);
}

// All of stdin but a last line break.
Result<SecretText> ReadSecret() {
  Result<std::string> text = ReadInput("-");
  if (!text.ok()) return text.status();
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return SecretText::Take(*text);
}

bool StdinIsTerminal() { return ::isatty(STDIN_FILENO) == 1; }

}  // namespace

Result<tools::ExitStatus> RunSecretSet(const Invocation& invocation, Console& console) {
  const std::string& name = invocation.arguments[0];
  Result<Vault> vault = OpenOrCreateVault(client::VaultPath());
  if (!vault.ok()) return vault.status();
  Result<SecretText> value =
      StdinIsTerminal() ? tools::AskSecret("value of " + name + ": ") : ReadSecret();
  if (!value.ok()) return value.status();
  if (Status set = vault->Set(name, *std::move(value)); !set.ok()) return set;
  if (Status saved = vault->Save(); !saved.ok()) return saved;
  if (console.json()) {
    console.Line(ordered_json{{"vault", vault->path()}, {"name", name}}.dump());
  } else {
    console.Line("${vault:" + name + "} is in " + vault->path());
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunSecretList(const Invocation&, Console& console) {
  const Result<Vault> vault = OpenVault(client::VaultPath());
  if (!vault.ok()) return vault.status();
  for (const std::string& name : vault->Names()) {
    console.Line(console.json() ? ordered_json{{"name", name}}.dump() : name);
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunSecretRemove(const Invocation& invocation, Console& console) {
  Result<Vault> vault = OpenVault(client::VaultPath());
  if (!vault.ok()) return vault.status();
  bool all = true;
  bool any = false;
  for (const std::string& name : invocation.arguments) {
    const bool removed = vault->Remove(name);
    all = all && removed;
    any = any || removed;
    if (console.json()) {
      console.Line(ordered_json{{"name", name}, {"removed", removed}}.dump());
    } else if (!removed) {
      console.Note("cachectl: " + vault->path() + " holds no secret `" + name + "`");
    }
  }
  if (any) {
    if (Status saved = vault->Save(); !saved.ok()) return saved;
  }
  return all ? tools::kExitDone : tools::kExitNotFound;
}

Result<tools::ExitStatus> RunSecretRekey(const Invocation&, Console& console) {
  Result<Vault> vault = OpenVault(client::VaultPath());
  if (!vault.ok()) return vault.status();
  const Result<SecretText> passphrase =
      StdinIsTerminal() ? tools::AskNewPassphrase(vault->path()) : ReadSecret();
  if (!passphrase.ok()) return passphrase.status();
  if (Status rekeyed = vault->Rekey(*passphrase); !rekeyed.ok()) return rekeyed;
  if (Status saved = vault->Save(); !saved.ok()) return saved;
  console.Note("cachectl: " + vault->path() +
               " has a new passphrase; its last version, under the old one, is " + vault->path() +
               ".backup");
  return tools::kExitDone;
}

}  // namespace larder::cachectl
