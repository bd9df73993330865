#include "hot_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "status_matchers.h"

namespace larder {
namespace {

using Keys = std::vector<std::string>;

TEST(HotListTest, ReadsWhatItWroteInItsOrder) {
  const Keys keys = {"b", std::string("\0\xff", 2), std::string(1024, 'k'), "a"};
  const Result<Keys> read = DecodeHotList(EncodeHotList(keys, 1 << 20));
  ASSERT_OK(read);
  EXPECT_EQ(*read, keys);
  EXPECT_EQ(*DecodeHotList(EncodeHotList({}, 1 << 20)), Keys{});
}

TEST(HotListTest, IsNoLongerThanAskedForAndKeepsTheFirst) {
  const Keys keys(1000, std::string(32, 'k'));
  const std::string bytes = EncodeHotList(keys, 1000);
  EXPECT_LE(bytes.size(), 1000u);
  EXPECT_GT(DecodeHotList(bytes)->size(), 25u);
}

TEST(HotListTest, AnyDamagedByteIsNoticed) {
  const std::string bytes = EncodeHotList(Keys{"key one", "key two"}, 1 << 20);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_EQ(DecodeHotList(damaged).status().code(), StatusCode::kDataLoss) << i;
    EXPECT_EQ(DecodeHotList(bytes.substr(0, i)).status().code(), StatusCode::kDataLoss) << i;
  }
}

}  // namespace
}  // namespace larder
