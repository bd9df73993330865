#include "hmac.h"

#include <gtest/gtest.h>

#include <string>

#include "larder/client/request_key.h"

namespace larder::client {
namespace {

std::string Digest(std::string_view key, std::string_view text) {
  return ToHex(HmacSha256(key, text));
}

// RFC 4231, test cases 1, 2 and 7.
const std::string kKey1(20, '\x0b');
constexpr std::string_view kText1 = "Hi There";
constexpr std::string_view kMac1 =
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
constexpr std::string_view kText2 = "what do ya want for nothing?";
constexpr std::string_view kMac2 =
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
const std::string kKey7(131, '\xaa');
constexpr std::string_view kText7 =
    "This is a test using a larger than block-size key and a larger than block-size data. The key "
    "needs to be hashed before being used by the HMAC algorithm.";
constexpr std::string_view kMac7 =
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2";

TEST(HmacTest, IsThatOfTheRfc) {
  EXPECT_EQ(Digest(kKey1, kText1), kMac1);
  EXPECT_EQ(Digest("Jefe", kText2), kMac2);
  EXPECT_EQ(Digest(kKey7, kText7), kMac7);
}

TEST(HmacTest, IsTheSameTheSecondTime) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Digest("Jefe", kText2), kMac2) << i;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Digest(kKey1, kText1), kMac1) << i;
    EXPECT_EQ(Digest(kKey7, kText7), kMac7) << i;
  }
}

TEST(HmacTest, AnEmptyKeyOrTextIsOneAsAnyOther) {
  EXPECT_EQ(Digest("Jefe", kText2), kMac2);
  constexpr std::string_view kNothing =
      "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  EXPECT_EQ(Digest("", ""), kNothing);
  EXPECT_EQ(Digest({}, {}), kNothing) << "and not that of the key before";
}

}  // namespace
}  // namespace larder::client
