#include "lull.h"

#include <gtest/gtest.h>

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT

TEST(LullTest, ATrickleIsALullAndMoreEndsIt) {
  Lull lull(100s);
  std::uint64_t stored = 0;
  for (Duration now = 110s; now <= 200s; now += 10s) lull.Look(now, stored += Lull::kLittle);
  EXPECT_EQ(lull.length(), Duration(100s));
  EXPECT_FALSE(lull.EndsWith(stored + Lull::kLittle));
  EXPECT_TRUE(lull.EndsWith(stored + Lull::kLittle + 1));
  lull.Look(210s, stored += Lull::kLittle + 1);
  EXPECT_EQ(lull.length(), Duration(0s));
}

TEST(LullTest, WhatIsInMemoryIsWrittenOutWhenNoMoreComesOrItIsMuch) {
  Lull lull(0s);
  EXPECT_FALSE(lull.ShouldFlush()) << "nothing";
  lull.Look(10s, 5);
  lull.Look(39s, 5);
  EXPECT_FALSE(lull.ShouldFlush()) << "more may come";
  lull.Look(40s, 5);
  EXPECT_TRUE(lull.ShouldFlush());
  lull.Flushed();
  EXPECT_FALSE(lull.ShouldFlush());
  lull.Look(50s, 6);
  EXPECT_FALSE(lull.ShouldFlush());
  lull.Look(60s, 6 + Lull::kLittle);
  EXPECT_TRUE(lull.ShouldFlush());
}

}  // namespace
}  // namespace larder
