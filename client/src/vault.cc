#include "larder/client/vault.h"

#include <utility>

#include "private_file.h"
#include "vault_cipher.h"
#include "vault_format.h"

namespace larder::client {
namespace {

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

}  // namespace

Result<Vault> Vault::Create(std::string path, const SecretText& passphrase, const VaultCost& cost) {
  Vault vault;
  vault.path_ = std::move(path);
  if (Status status = vault.Rekey(passphrase, cost); !status.ok()) return status;
  return vault;
}

Result<Vault> Vault::Open(std::string path, const SecretText& passphrase) {
  const Result<std::string> file = ReadWholeFile(path, kMostVaultBytes);
  if (!file.ok()) return file.status();
  const Result<VaultParts> parts = SplitVault(*file);
  if (!parts.ok()) return parts.status().WithContext(path);
  Result<SecretText> master = DeriveVaultKey(passphrase, parts->header.salt, parts->header.cost);
  if (!master.ok()) return master.status().WithContext(path);
  return Read(std::move(path), *file, *std::move(master));
}

Result<Vault> Vault::Reopen() const {
  const Result<std::string> file = ReadWholeFile(path_, kMostVaultBytes);
  if (!file.ok()) return file.status();
  return Read(path_, *file, master_.Copy());
}

Result<Vault> Vault::Read(std::string path, const std::string& file, SecretText master) {
  const Result<VaultParts> parts = SplitVault(file);
  if (!parts.ok()) return parts.status().WithContext(path);
  if (KeyCheck(master) != parts->header.key_check) return Invalid(path + ": wrong passphrase");
  const std::optional<SecretText> plain =
      Unseal(parts->sealed, parts->header_bytes, parts->header.nonce, CipherKey(master));
  std::optional<VaultSecrets> secrets;
  if (plain) secrets = DecodeVaultSecrets(plain->Reveal());
  if (!secrets) {
    return Status(StatusCode::kDataLoss,
                  path +
                      ": the passphrase is right, but the file was changed or damaged; the "
                      "version before it is " +
                      path + ".backup");
  }
  Vault vault;
  vault.path_ = std::move(path);
  vault.on_disk_ = parts->header_bytes;
  vault.cost_ = parts->header.cost;
  vault.salt_ = parts->header.salt;
  vault.master_ = std::move(master);
  vault.secrets_ = *std::move(secrets);
  return vault;
}

std::vector<std::string> Vault::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : secrets_) names.push_back(name);
  return names;
}

const SecretText* Vault::Find(std::string_view name) const {
  const auto found = secrets_.find(name);
  return found == secrets_.end() ? nullptr : &found->second;
}

Status Vault::Set(std::string_view name, SecretText value) {
  if (!IsSecretName(name)) {
    return Invalid("not a name for a secret; allowed: 1 to 64 letters, digits, -, _ and .");
  }
  if (value.empty()) return Invalid("the secret is empty");
  const std::size_t size = value.Reveal().size();
  if (size > kMostSecretBytes) {
    return Invalid("a secret of " + std::to_string(size) + " bytes is over 65536");
  }
  std::size_t total = size;
  for (const auto& [other, held] : secrets_)
    total += other == name ? 0 : held.Reveal().size() + 128;
  if (total > kMostVaultBytes - (8 << 10)) {
    return {StatusCode::kResourceExhausted, "a vault holds no more than 4 MiB"};
  }
  secrets_.insert_or_assign(std::string(name), std::move(value));
  return Status::Ok();
}

bool Vault::Remove(std::string_view name) {
  const auto found = secrets_.find(name);
  if (found == secrets_.end()) return false;
  secrets_.erase(found);
  return true;
}

Status Vault::Rekey(const SecretText& passphrase, const VaultCost& cost) {
  if (passphrase.Reveal().size() < kLeastPassphraseBytes) {
    return Invalid("a passphrase of a vault has at least 8 characters");
  }
  std::string salt = RandomBytes(kVaultSaltBytes);
  Result<SecretText> master = DeriveVaultKey(passphrase, salt, cost);
  if (!master.ok()) return master.status();
  cost_ = cost;
  salt_ = std::move(salt);
  master_ = *std::move(master);
  return Status::Ok();
}

Status Vault::Save() {
  const SecretText plain = EncodeVaultSecrets(secrets_);
  // A fresh random nonce each time: 24 bytes of it never meet again under one key.
  const VaultHeader header{.cost = cost_,
                           .salt = salt_,
                           .nonce = RandomBytes(kVaultNonceBytes),
                           .key_check = KeyCheck(master_),
                           .sealed_bytes = plain.Reveal().size() + kVaultSealBytes};
  std::string bytes = EncodeVaultHeader(header);
  const std::string sealed = Seal(plain.Reveal(), bytes, header.nonce, CipherKey(master_));
  if (Status saved = ReplacePrivateFile(path_, bytes + sealed, on_disk_); !saved.ok()) {
    return saved;
  }
  on_disk_ = std::move(bytes);
  return Status::Ok();
}

}  // namespace larder::client
