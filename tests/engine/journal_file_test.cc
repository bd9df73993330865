#include "journal_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

constexpr uid_t kNobody = 65534;

// Of a backup on a volume that is mounted read-only, or of another user.
TEST(JournalFileTest, OneThatMayOnlyBeReadIsRead) {
  const testing::TempDir dir;
  const std::string path = dir / "ledger";
  JournalFiles& files = JournalFiles::System();
  ASSERT_OK((*files.Create(path))->WriteAt(0, "bytes"));
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  const bool root = ::geteuid() == 0;  // who may write to all files
  if (root) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const Result<std::unique_ptr<JournalFile>> opened = files.Open(path);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_OK(opened);
  const Result<std::string> bytes = (*opened)->ReadAt(0, 100);
  ASSERT_OK(bytes);
  EXPECT_EQ(*bytes, "bytes");
  EXPECT_FALSE((*opened)->WriteAt(0, "other").ok());
}

TEST(JournalFileTest, VolumeWithoutRoomIsTold) {
  const Result<std::unique_ptr<JournalFile>> opened = JournalFiles::System().Open("/dev/full");
  ASSERT_OK(opened);
  EXPECT_THAT((*opened)->WriteAt(0, "bytes"), testing::HasCode(StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace larder
