#include "vault_cipher.h"

#include "hex_text.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using larder::testing::FromHex;
using larder::testing::ToHex;

// draft-irtf-cfrg-xchacha-03, A.3.1.
constexpr std::string_view kPlain =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    "sunscreen would be it.";
constexpr std::string_view kAssociated = "50515253c0c1c2c3c4c5c6c7";
constexpr std::string_view kKey =
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
constexpr std::string_view kNonce = "404142434445464748494a4b4c4d4e4f5051525354555657";
constexpr std::string_view kSealed =
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda"
    "7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b23835"
    "65d3fff921f9664c97637da9768812f615c68b13b52e"
    "c0875924c1c7987947deafd8780acf49";

TEST(VaultCipherTest, SealIsThatOfThePublishedVector) {
  const SecretText key(FromHex(kKey));
  EXPECT_EQ(ToHex(Seal(kPlain, FromHex(kAssociated), FromHex(kNonce), key)), kSealed);
  const std::optional<SecretText> opened =
      Unseal(FromHex(kSealed), FromHex(kAssociated), FromHex(kNonce), key);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->Reveal(), kPlain);
}

TEST(VaultCipherTest, NothingOpensWhenAnyBitOfAnyPartDiffers) {
  const std::string parts[] = {FromHex(kSealed), FromHex(kAssociated), FromHex(kNonce),
                               FromHex(kKey)};
  for (std::size_t part = 0; part < std::size(parts); ++part) {
    for (std::size_t bit = 0; bit < parts[part].size() * 8; ++bit) {
      std::string changed[] = {parts[0], parts[1], parts[2], parts[3]};
      changed[part][bit / 8] = static_cast<char>(changed[part][bit / 8] ^ (1 << (bit % 8)));
      EXPECT_FALSE(Unseal(changed[0], changed[1], changed[2], SecretText(changed[3])))
          << "part " << part << " bit " << bit;
    }
  }
  EXPECT_FALSE(Unseal("short", "", FromHex(kNonce), SecretText(FromHex(kKey))));
}

// What the reference program of Argon2 prints for `echo -n 123 | argon2 ABCDEFGHIJKLMNOP -id -v 13`
// with `-k 1024 -t 5` and with `-k 8192 -t 2`.
TEST(VaultCipherTest, DerivedKeyIsThatOfTheReferenceProgram) {
  const SecretText passphrase("123");
  const auto derive = [&](VaultCost cost) {
    const Result<SecretText> key = DeriveVaultKey(passphrase, "ABCDEFGHIJKLMNOP", cost);
    return key.ok() ? ToHex(key->Reveal()) : key.status().message();
  };
  EXPECT_EQ(derive({.passes = 5, .memory_kib = 1024}),
            "3c5d010180ba0cf5b6b858cba23b318e42d33088983c404598599c3b029ecac6");
  EXPECT_EQ(derive({.passes = 2, .memory_kib = 8192}),
            "3ee950488d26ce691657b1d753f562139857b61a58f234d6cb0ce84c4cc27328");
}

TEST(VaultCipherTest, CostThatCouldStopTheReaderIsRefused) {
  const SecretText passphrase("123");
  for (const VaultCost cost :
       {VaultCost{0, 8192}, VaultCost{17, 8192}, VaultCost{1, 7}, VaultCost{1, 0xffffffff}}) {
    EXPECT_EQ(DeriveVaultKey(passphrase, "ABCDEFGHIJKLMNOP", cost).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(VaultCipherTest, CheckAndCipherKeySayNothingOfEachOther) {
  const SecretText master(FromHex(kKey));
  EXPECT_EQ(KeyCheck(master).size(), kVaultCheckBytes);
  EXPECT_NE(CipherKey(master).Reveal().substr(0, kVaultCheckBytes), KeyCheck(master));
  EXPECT_FALSE(CipherKey(master).Matches(master.Reveal()));
}

}  // namespace
}  // namespace larder::client
