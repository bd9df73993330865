#include "larder/client/nearest_name.h"

#include <gtest/gtest.h>

#include <string>

namespace larder::client {
namespace {

constexpr std::string_view kNames[] = {"max_disk_bytes", "max_memory_bytes", "default_ttl",
                                       "directory"};

TEST(NearestNameTest, FindsTheNameThatWasMeant) {
  EXPECT_EQ(NearestName("max_disk_byte", kNames), "max_disk_bytes");
  EXPECT_EQ(NearestName("MAX_MEMORY_BYTES", kNames), "max_memory_bytes");
  EXPECT_EQ(NearestName("defualt_ttl", kNames), "default_ttl");
  EXPECT_EQ(NearestName("dir", kNames), "directory");
}

TEST(NearestNameTest, ASwapCostsOneEdit) {
  constexpr std::string_view kPair[] = {"axb", "abx"};
  EXPECT_EQ(NearestName("bax", kPair), "abx");  // one swap; from "axb" it would be two edits
}

TEST(NearestNameTest, TheFirstOfEqualsWinsAndNothingIsNearNothing) {
  constexpr std::string_view kEquals[] = {"aa", "bb"};
  EXPECT_EQ(NearestName("ab", kEquals), "aa");
  EXPECT_EQ(NearestName("a", {}), "");
  EXPECT_NE(NearestName(std::string(1'000'000, 'd'), kNames), "");  // and in no time
}

}  // namespace
}  // namespace larder::client
