#include "answer_memory.h"

#include <gtest/gtest.h>

#include <string>

namespace larder::gateway {
namespace {

constexpr std::size_t kKiB = 1024;

std::vector<SharedBytes> Body(std::size_t bytes) {
  std::vector<SharedBytes> body;
  body.emplace_back(std::string(bytes, 'x'));
  return body;
}

TEST(AnswerMemoryTest, AnswersHaveTheRoomThatOthersLeave) {
  AnswerMemory memory(300 * kKiB);
  const auto first = Body(100 * kKiB);
  const auto second = Body(200 * kKiB);
  const auto third = Body(100 * kKiB);
  AnswerMemory::Share one = memory.Take(first);
  const AnswerMemory::Share two = memory.Take(second);
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(memory.Take(third));
  EXPECT_EQ(memory.taken_bytes(), 300 * kKiB);
  one.reset();
  EXPECT_TRUE(memory.Take(third)) << "its room is given back";
  EXPECT_EQ(memory.taken_bytes(), 200 * kKiB);
}

TEST(AnswerMemoryTest, BytesThatSeveralReadCountOnceUntilTheLastHasThem) {
  AnswerMemory memory(300 * kKiB);
  const auto shared = Body(200 * kKiB);
  AnswerMemory::Share first = memory.Take(shared);
  AnswerMemory::Share second = memory.Take(shared);
  EXPECT_TRUE(first && second);
  first.reset();
  EXPECT_EQ(memory.taken_bytes(), 200 * kKiB);
  second.reset();
  EXPECT_EQ(memory.taken_bytes(), 0U);
}

TEST(AnswerMemoryTest, OneAloneFindsRoomHoweverLargeAndSmallOnesAlways) {
  AnswerMemory memory(300 * kKiB);
  const auto large = Body(1000 * kKiB);
  const auto other = Body(100 * kKiB);
  const AnswerMemory::Share share = memory.Take(large);
  EXPECT_TRUE(share);
  EXPECT_FALSE(memory.Take(other));
  EXPECT_TRUE(memory.Take(Body(64 * kKiB)));
  EXPECT_TRUE(memory.Take({}));
}

}  // namespace
}  // namespace larder::gateway
