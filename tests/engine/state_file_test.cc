#include "state_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::HasCode;

State Sample() {
  State state = NewState();
  state.anchor = {
      .boot_id = "boot", .at_boot = TimePoint(Duration(5)), .last_seen = TimePoint(Duration(7))};
  state.number_bound = 1'000'000;
  state.counters = {1, 0, 300, UINT64_MAX};
  return state;
}

TEST(StateFileTest, StateComesBack) {
  const testing::TempDir dir;
  const State state = Sample();
  ASSERT_OK(WriteState(dir / "state", state));
  State read;
  ASSERT_OK(ReadState(dir / "state", read));
  EXPECT_EQ(read.store_id, state.store_id);
  EXPECT_EQ(read.secret, state.secret);
  EXPECT_EQ(read.anchor.boot_id, "boot");
  EXPECT_EQ(read.anchor.at_boot, state.anchor.at_boot);
  EXPECT_EQ(read.anchor.last_seen, state.anchor.last_seen);
  EXPECT_EQ(read.number_bound, state.number_bound);
  EXPECT_EQ(read.counters, state.counters);
}

TEST(StateFileTest, FileIsForItsOwnerOnly) {
  const testing::TempDir dir;
  ASSERT_OK(WriteState(dir / "state", Sample()));
  struct stat info {};
  ASSERT_EQ(::stat((dir / "state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST(StateFileTest, IdentitiesDiffer) {
  EXPECT_NE(NewState().secret, NewState().secret);
  EXPECT_NE(NewState().store_id, NewState().store_id);
}

TEST(StateFileTest, MarksTellWhatDescendsFromWhat) {
  State cache = NewState();
  State backup = cache;
  EXPECT_TRUE(HasMarkOf(cache, backup)) << "as versions without marks of backups have it";
  AddMark(cache);
  EXPECT_TRUE(HasMarkOf(cache, backup));
  backup = cache;
  State set_back = cache;
  AddMark(cache);
  State later = cache;
  EXPECT_TRUE(HasMarkOf(cache, backup));
  EXPECT_FALSE(HasMarkOf(set_back, later));
  AddMark(set_back);
  EXPECT_FALSE(HasMarkOf(set_back, later));
  EXPECT_FALSE(HasMarkOf(NewState(), backup));
  for (int i = 0; i < 510; ++i) AddMark(cache);
  EXPECT_TRUE(HasMarkOf(cache, backup));
  AddMark(cache);
  EXPECT_FALSE(HasMarkOf(cache, backup)) << "forgotten, so that the file does not grow for ever";
  EXPECT_TRUE(IsSameLineage(cache, backup));
  RenewHistory(cache);
  EXPECT_FALSE(HasMarkOf(cache, later));
  EXPECT_TRUE(IsSameLineage(cache, backup));
}

TEST(StateFileTest, MissingAndDamagedFilesAreToldApart) {
  const testing::TempDir dir;
  State state;
  EXPECT_THAT(ReadState(dir / "state", state), HasCode(StatusCode::kNotFound));
  ASSERT_OK(WriteState(dir / "state", Sample()));
  std::ifstream in(dir / "state", std::ios::binary);
  const std::string sound((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream(dir / "state", std::ios::binary) << damaged;
    EXPECT_THAT(ReadState(dir / "state", state), HasCode(StatusCode::kDataLoss)) << at;
    std::ofstream(dir / "state", std::ios::binary) << sound.substr(0, at);
    EXPECT_THAT(ReadState(dir / "state", state), HasCode(StatusCode::kDataLoss)) << at;
  }
}

}  // namespace
}  // namespace larder
