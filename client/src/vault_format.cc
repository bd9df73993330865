#include "vault_format.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "vault_cipher.h"

namespace larder::client {
namespace {

constexpr std::string_view kFamily = "larder vault ";
constexpr std::string_view kMagic = "larder vault 1\n";
constexpr std::size_t kHeaderBytes = kMagic.size() + 4 + 4 + kVaultSaltBytes + kVaultNonceBytes +
                                     kVaultCheckBytes + 4 + kVaultCheckBytes;
constexpr std::size_t kPadding = 1 << 10;
constexpr std::size_t kMostNameBytes = 64;

// Little-endian.
void AppendU32(std::uint32_t value, std::string& out) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

// Takes bytes off the front; once too few are left it gives nothing any more and is not ok().
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::string_view Take(std::size_t count) {
    if (count > rest_.size()) ok_ = false;
    const std::string_view taken = ok_ ? rest_.substr(0, count) : std::string_view();
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::uint32_t TakeU32() {
    std::uint32_t value = 0;
    const std::string_view bytes = Take(4);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return value;
  }
  std::size_t TakeByte() {
    const std::string_view byte = Take(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Status Damaged(std::string message) { return {StatusCode::kDataLoss, std::move(message)}; }

}  // namespace

std::string EncodeVaultHeader(const VaultHeader& header) {
  std::string bytes(kMagic);
  AppendU32(header.cost.passes, bytes);
  AppendU32(header.cost.memory_kib, bytes);
  bytes += header.salt + header.nonce + header.key_check;
  AppendU32(static_cast<std::uint32_t>(header.sealed_bytes), bytes);
  return bytes + Checksum(bytes);
}

Result<VaultParts> SplitVault(std::string_view file) {
  if (!file.starts_with(kFamily.substr(0, file.size()))) return Damaged("not a vault");
  if (file.size() >= kMagic.size() && !file.starts_with(kMagic)) {
    return Damaged("a vault of a version that this program does not know");
  }
  if (file.size() < kHeaderBytes) {
    return Damaged("cut short: " + std::to_string(file.size()) + " bytes, its header alone has " +
                   std::to_string(kHeaderBytes));
  }
  VaultParts parts;
  parts.header_bytes = file.substr(0, kHeaderBytes);
  ByteReader reader(parts.header_bytes);
  reader.Take(kMagic.size());
  parts.header.cost.passes = reader.TakeU32();
  parts.header.cost.memory_kib = reader.TakeU32();
  parts.header.salt = reader.Take(kVaultSaltBytes);
  parts.header.nonce = reader.Take(kVaultNonceBytes);
  parts.header.key_check = reader.Take(kVaultCheckBytes);
  parts.header.sealed_bytes = reader.TakeU32();
  const std::size_t checked = kHeaderBytes - kVaultCheckBytes;
  if (Checksum(file.substr(0, checked)) != reader.rest()) return Damaged("its header is damaged");
  parts.sealed = file.substr(kHeaderBytes);
  if (parts.sealed.size() != parts.header.sealed_bytes) {
    const bool less = parts.sealed.size() < parts.header.sealed_bytes;
    return Damaged(std::string(less ? "cut short: " : "something was added: ") +
                   std::to_string(file.size()) + " bytes instead of " +
                   std::to_string(kHeaderBytes + parts.header.sealed_bytes));
  }
  return parts;
}

bool IsSecretName(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

SecretText EncodeVaultSecrets(const VaultSecrets& secrets) {
  std::size_t size = 1;
  for (const auto& [name, value] : secrets) size += 1 + name.size() + 4 + value.Reveal().size();
  std::string plain;
  // Once, so that growing leaves no copies behind.
  plain.reserve((size + kPadding - 1) / kPadding * kPadding);
  for (const auto& [name, value] : secrets) {
    plain += static_cast<char>(name.size());
    plain += name;
    AppendU32(static_cast<std::uint32_t>(value.Reveal().size()), plain);
    plain += value.Reveal();
  }
  plain.resize((size + kPadding - 1) / kPadding * kPadding, '\0');
  return SecretText::Take(plain);
}

std::optional<VaultSecrets> DecodeVaultSecrets(std::string_view plain) {
  VaultSecrets secrets;
  ByteReader reader(plain);
  for (std::size_t length = reader.TakeByte(); length != 0; length = reader.TakeByte()) {
    const std::string_view name = reader.Take(length);
    const std::string_view value = reader.Take(reader.TakeU32());
    const bool known = !secrets.empty() && name <= secrets.rbegin()->first;
    if (!reader.ok() || !IsSecretName(name) || value.empty() || known) return std::nullopt;
    secrets.emplace(name, SecretText(value));
  }
  const bool zeros = reader.rest().find_first_not_of('\0') == std::string_view::npos;
  if (!reader.ok() || !zeros) return std::nullopt;
  return secrets;
}

}  // namespace larder::client
