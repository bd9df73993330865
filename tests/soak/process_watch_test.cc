#include "process_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace larder::testing {
namespace {

using ::testing::HasSubstr;

std::vector<ProcessSample> Life(std::size_t slices, std::uint64_t leaked_a_slice) {
  std::vector<ProcessSample> life;
  for (std::size_t i = 0; i < slices; ++i) {
    const std::uint64_t noise = i * 7 % 5;
    life.push_back({.resident_kib = 50'000 + noise * 1'000,
                    .threads = 17,
                    .sockets = 20 + noise + i * leaked_a_slice,
                    .files = 26 + noise});
  }
  return life;
}

TEST(ProcessWatchTest, SteadyLifeHasNotGrown) { EXPECT_EQ(GrowthIn(Life(20, 0)), ""); }

TEST(ProcessWatchTest, SocketsThatLeakAreFoundWithFigures) {
  EXPECT_THAT(GrowthIn(Life(20, 2)), HasSubstr("sockets grew from "));
}

TEST(ProcessWatchTest, WarmingUpIsNoGrowth) {
  std::vector<ProcessSample> life = Life(20, 0);
  for (std::size_t i = 0; i < 5; ++i) life[i].resident_kib /= 10;
  EXPECT_EQ(GrowthIn(life), "");
}

TEST(ProcessWatchTest, OneThreadMoreIsAllowedAndTwoAreNot) {
  std::vector<ProcessSample> life = Life(20, 0);
  for (std::size_t i = 15; i < 20; ++i) life[i].threads += 1;
  EXPECT_EQ(GrowthIn(life), "");
  for (std::size_t i = 15; i < 20; ++i) life[i].threads += 1;
  EXPECT_EQ(GrowthIn(life), "threads grew from 17 to 19");
}

TEST(ProcessWatchTest, SampleIsOfTheProcess) {
  const ProcessSample before = SampleProcess(::getpid());
  EXPECT_GT(before.resident_kib, 0u);
  EXPECT_GE(before.threads, 1u);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(SampleProcess(::getpid()).files, before.files + 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace larder::testing
