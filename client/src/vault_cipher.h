// VaultCipher: what the vault needs of cryptography, and nothing of files. libsodium does it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/client/vault.h"
#include "larder/result.h"

namespace larder::client {

constexpr std::size_t kVaultSaltBytes = 16;
constexpr std::size_t kVaultKeyBytes = 32;
constexpr std::size_t kVaultNonceBytes = 24;
constexpr std::size_t kVaultSealBytes = 16;  // what sealing adds
constexpr std::size_t kVaultCheckBytes = 16;

std::string RandomBytes(std::size_t count);

// Argon2id (RFC 9106), one lane. Errors: kResourceExhausted (no room for `cost.memory_kib`),
// kInvalidArgument (a cost that is none).
Result<SecretText> DeriveVaultKey(const SecretText& passphrase, std::string_view salt,
                                  const VaultCost& cost);

// Two keys out of the derived one, so that what is shown of the one says nothing of the other.
SecretText CipherKey(const SecretText& master);
// Tells a wrong passphrase from changed bytes. Of no more use for guessing than the seal itself.
std::string KeyCheck(const SecretText& master);

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): the ciphertext, and the seal after it.
std::string Seal(std::string_view plain, std::string_view associated, std::string_view nonce,
                 const SecretText& key);
// Nothing if any byte of any argument differs from what was sealed.
std::optional<SecretText> Unseal(std::string_view sealed, std::string_view associated,
                                 std::string_view nonce, const SecretText& key);

// BLAKE2b-128, without a key: finds accidents, not attackers.
std::string Checksum(std::string_view bytes);

}  // namespace larder::client
