// Vault: secrets by name in one encrypted file, the source behind `${vault:NAME}`.
//
// The file is written by `cachectl secret` and read by whoever needs a secret; vault_access.h finds
// and unlocks the one of this process. Format: docs/format.md. Key: Argon2id of a passphrase;
// cipher: XChaCha20-Poly1305 over all secrets together, so that the file says neither names nor
// lengths.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/secret_text.h"
#include "larder/result.h"

namespace larder::client {

// What one guess of the passphrase costs. The default is the second choice of RFC 9106: some tenths
// of a second, and memory that a gateway can spare for that long.
struct VaultCost {
  std::uint32_t passes = 3;
  std::uint32_t memory_kib = 64 << 10;
  friend bool operator==(const VaultCost&, const VaultCost&) = default;
};
// A file that asks for more is not read: it could stop the reader.
constexpr std::uint32_t kMostVaultPasses = 16;
constexpr std::uint32_t kLeastVaultMemoryKib = 8;
constexpr std::uint32_t kMostVaultMemoryKib = 1 << 20;

constexpr std::size_t kLeastPassphraseBytes = 8;
constexpr std::size_t kMostSecretBytes = 64 << 10;
constexpr std::size_t kMostVaultBytes = 4 << 20;

// Not thread-safe.
class Vault {
 public:
  // A new vault without secrets; nothing is written before Save().
  // Errors: kInvalidArgument (a passphrase under 8 bytes, a cost out of range), kResourceExhausted
  // (memory).
  static Result<Vault> Create(std::string path, const SecretText& passphrase,
                              const VaultCost& cost = {});
  // Errors: kNotFound (no such file); kInvalidArgument (wrong passphrase); kDataLoss (not a vault,
  // cut short, damaged, changed by somebody who did not know the passphrase: the message says
  // which); kUnavailable (not readable); kResourceExhausted (memory).
  static Result<Vault> Open(std::string path, const SecretText& passphrase);
  // The file as it is now, with the key of this one. Errors: as Open; kInvalidArgument also if it
  // has got another passphrase since.
  Result<Vault> Reopen() const;

  const std::string& path() const { return path_; }
  // In alphabetical order.
  std::vector<std::string> Names() const;
  // Null if there is none; valid until the vault is changed.
  const SecretText* Find(std::string_view name) const;

  // Errors: kInvalidArgument (a name not of 1 to 64 letters, digits, `-`, `_`, `.`; no or too long
  // a value), kResourceExhausted (over 4 MiB in all).
  Status Set(std::string_view name, SecretText value);
  bool Remove(std::string_view name);
  // Another passphrase from the next Save() on. Errors: as Create.
  Status Rekey(const SecretText& passphrase, const VaultCost& cost = {});

  // Replaces the file in one step, synced, mode 0600: whatever happens, the old or the new one is
  // there. What was there before stays as `PATH.backup`.
  // Errors: kNotFound (no such folder), kUnavailable (not writable; or the file is not the one that
  // was opened any more: another wrote it meanwhile, nothing was changed).
  Status Save();

 private:
  Vault() = default;
  static Result<Vault> Read(std::string path, const std::string& file, SecretText master);

  std::string path_;
  std::string on_disk_;  // header of the file this was read from; empty = there was none
  VaultCost cost_;
  std::string salt_;
  SecretText master_;
  std::map<std::string, SecretText, std::less<>> secrets_;
};

}  // namespace larder::client
