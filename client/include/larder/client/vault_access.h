// VaultAccess: the vault of this process: where it is, what unlocks it, what is in it now.
//
// The file: $LARDER_VAULT, else ./larder-vault, else /etc/larder/vault, whichever is there.
// What unlocks it, the first that is set:
//   LARDER_VAULT_KEY_FILE    a file whose content is the passphrase, but for a last line break
//   LARDER_VAULT_PASSPHRASE  the passphrase itself
//   CREDENTIALS_DIRECTORY    systemd's: its credential `larder-vault`
//   a prompt                 for programs that have somebody to ask, see SetVaultPrompt()
// All functions may be called from any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "larder/client/config_document.h"
#include "larder/client/secret_text.h"
#include "larder/client/vault.h"
#include "larder/result.h"

namespace larder::client {

// Where a new one is made if none is there: $LARDER_VAULT, else ./larder-vault.
std::string VaultPath();

// Asks for the passphrase of the vault at `path`. None (as from the start) = nobody can be asked.
using VaultPrompt = std::function<Result<SecretText>(const std::string& path)>;
void SetVaultPrompt(VaultPrompt prompt);

// What unlocks the vault at `path`. Errors: kInvalidArgument (nothing is set and nobody can be
// asked; what is set cannot be read), and what the prompt says.
Result<SecretText> VaultPassphrase(const std::string& path);

// Opens it now, so that a prompt, and the some tenths of a second that deriving its key takes, come
// at a moment of the caller's choice. Errors: as VaultPassphrase and Vault::Open.
Status UnlockVault();

// The secret `name` as the file holds it now. A changed file is read again, with the same key where
// it still fits. Blocks on the disk, and on deriving the key if UnlockVault() was not called.
// Errors: kInvalidArgument (no such secret, wrong passphrase); as UnlockVault.
Result<SecretText> FindInVault(std::string_view name);

// Whether a secret of the configuration is one of the vault's.
bool UsesVault(const ConfigDocument& document);

}  // namespace larder::client
