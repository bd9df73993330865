// A vault's file as it lies on disk, and what is in it once it is opened.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz_check.h"
#include "vault_cipher.h"
#include "vault_format.h"

namespace {

using namespace larder::client;

// The bytes as they are, and with a checksum that holds, or none would ever get past it.
void SplitFile(std::string file) {
  constexpr std::size_t kChecked = 83;
  for (const bool sound : {false, true}) {
    if (sound && file.size() < kChecked + kVaultCheckBytes) return;
    if (sound) file.replace(kChecked, kVaultCheckBytes, Checksum(file.substr(0, kChecked)));
    const auto parts = SplitVault(file);
    if (!parts.ok()) continue;
    FUZZ_CHECK(parts->header.sealed_bytes == parts->sealed.size());
    FUZZ_CHECK(EncodeVaultHeader(parts->header) == parts->header_bytes);
    const SecretText key(std::string(kVaultKeyBytes, 'k'));
    FUZZ_CHECK(!Unseal(parts->sealed, parts->header_bytes, parts->header.nonce, key));
  }
}

void DecodeSecrets(std::string_view plain) {
  const auto secrets = DecodeVaultSecrets(plain);
  if (!secrets) return;
  const SecretText again = EncodeVaultSecrets(*secrets);
  FUZZ_CHECK(again.Reveal().size() % 1024 == 0);
  const std::size_t shorter = std::min(again.Reveal().size(), plain.size());
  FUZZ_CHECK(again.Reveal().substr(0, shorter) == plain.substr(0, shorter));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SplitFile(std::string(bytes));
  DecodeSecrets(bytes);
  return 0;
}
