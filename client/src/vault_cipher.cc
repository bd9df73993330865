#include "vault_cipher.h"

#include <sodium.h>

#include <cstdint>

namespace larder::client {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string Derive(const SecretText& master, std::size_t size, std::uint64_t which) {
  constexpr char kContext[] = "larvault";  // eight bytes, as libsodium wants
  std::string derived(size, '\0');
  crypto_kdf_derive_from_key(Bytes(derived), size, which, kContext, Bytes(master.Reveal()));
  return derived;
}

}  // namespace

std::string RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  randombytes_buf(bytes.data(), count);
  return bytes;
}

Result<SecretText> DeriveVaultKey(const SecretText& passphrase, std::string_view salt,
                                  const VaultCost& cost) {
  if (salt.size() != kVaultSaltBytes || cost.passes < 1 || cost.passes > kMostVaultPasses ||
      cost.memory_kib < kLeastVaultMemoryKib || cost.memory_kib > kMostVaultMemoryKib) {
    return Status(StatusCode::kInvalidArgument, "a cost of key derivation that is out of range");
  }
  std::string key(kVaultKeyBytes, '\0');
  const int failed = crypto_pwhash_argon2id(
      Bytes(key), key.size(), passphrase.Reveal().data(), passphrase.Reveal().size(), Bytes(salt),
      cost.passes, std::size_t{cost.memory_kib} << 10, crypto_pwhash_argon2id_ALG_ARGON2ID13);
  if (failed != 0) {
    return Status(StatusCode::kResourceExhausted, "no room for the " +
                                                      std::to_string(cost.memory_kib >> 10) +
                                                      " MiB that deriving the vault's key takes");
  }
  return SecretText::Take(key);
}

SecretText CipherKey(const SecretText& master) {
  std::string key = Derive(master, kVaultKeyBytes, 1);
  return SecretText::Take(key);
}

std::string KeyCheck(const SecretText& master) { return Derive(master, kVaultCheckBytes, 2); }

std::string Seal(std::string_view plain, std::string_view associated, std::string_view nonce,
                 const SecretText& key) {
  std::string sealed(plain.size() + kVaultSealBytes, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(Bytes(sealed), nullptr, Bytes(plain), plain.size(),
                                             Bytes(associated), associated.size(), nullptr,
                                             Bytes(nonce), Bytes(key.Reveal()));
  return sealed;
}

std::optional<SecretText> Unseal(std::string_view sealed, std::string_view associated,
                                 std::string_view nonce, const SecretText& key) {
  if (sealed.size() < kVaultSealBytes || nonce.size() != kVaultNonceBytes) return std::nullopt;
  std::string plain(sealed.size() - kVaultSealBytes, '\0');
  const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
      Bytes(plain), nullptr, nullptr, Bytes(sealed), sealed.size(), Bytes(associated),
      associated.size(), Bytes(nonce), Bytes(key.Reveal()));
  SecretText opened = SecretText::Take(plain);
  if (failed != 0) return std::nullopt;
  return opened;
}

std::string Checksum(std::string_view bytes) {
  std::string sum(kVaultCheckBytes, '\0');
  crypto_generichash(Bytes(sum), sum.size(), Bytes(bytes), bytes.size(), nullptr, 0);
  return sum;
}

}  // namespace larder::client
