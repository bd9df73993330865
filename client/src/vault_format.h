// VaultFormat: the bytes of a vault's file. docs/format.md has them in words.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/client/vault.h"
#include "larder/result.h"

namespace larder::client {

struct VaultHeader {
  VaultCost cost;
  std::string salt;
  std::string nonce;
  std::string key_check;
  std::size_t sealed_bytes = 0;  // what follows the header
};

std::string EncodeVaultHeader(const VaultHeader& header);

struct VaultParts {
  VaultHeader header;
  std::string_view header_bytes;  // sealed with the rest
  std::string_view sealed;
};
// Views into `file`. Errors: kDataLoss, saying what is wrong with it: not a vault, another version,
// cut short, damaged.
Result<VaultParts> SplitVault(std::string_view file);

using VaultSecrets = std::map<std::string, SecretText, std::less<>>;

bool IsSecretName(std::string_view name);
// Filled up to a multiple of 1 KiB.
SecretText EncodeVaultSecrets(const VaultSecrets& secrets);
// Nothing if the bytes are not what EncodeVaultSecrets writes.
std::optional<VaultSecrets> DecodeVaultSecrets(std::string_view plain);

}  // namespace larder::client
