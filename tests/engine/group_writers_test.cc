#include "group_writers.h"

#include <gtest/gtest.h>

#include <chrono>

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT

TEST(GroupWritersTest, WhoHangsIsNotForeverTheOneThatWritesMost) {
  GroupWriters writers;
  const int much = 0;
  const int little = 0;
  EXPECT_FALSE(writers.OthersWriteMore(&much, 5'000, 10s));
  EXPECT_TRUE(writers.OthersWriteMore(&little, 10, 11s));
  EXPECT_TRUE(writers.OthersWriteMore(&little, 10, 13s));
  EXPECT_FALSE(writers.OthersWriteMore(&little, 10, 14s));
  EXPECT_FALSE(writers.OthersWriteMore(&much, 20, 15s));
  EXPECT_TRUE(writers.OthersWriteMore(&little, 10, 15s));
  writers.Leave(&much);
  EXPECT_FALSE(writers.OthersWriteMore(&little, 10, 15s));
}

}  // namespace
}  // namespace larder
