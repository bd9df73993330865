#include "directory_size.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "temp_dir.h"

namespace larder {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 10;

void Write(const std::filesystem::path& path) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << std::string(kFileBytes, 'x');
}

// As another user, if we may read everything.
class AsNobody {
 public:
  AsNobody() {
    if (user_ == 0) static_cast<void>(::seteuid(65'534));
  }
  ~AsNobody() { static_cast<void>(::seteuid(user_)); }

 private:
  const uid_t user_ = ::geteuid();
};

TEST(DirectorySizeTest, CountsWhatFilesTakeInAllFoldersButTheOneNamed) {
  const testing::TempDir dir;
  const std::string root = dir / "cache";
  Write(root + "/a");
  Write(root + "/deep/er/b");
  Write(root + "/store/c");
  Write(root + "/deep/store/d");
  const std::uint64_t all = DirectorySize(root);
  EXPECT_GE(all, 4 * kFileBytes);
  EXPECT_EQ(DirectorySize(root, "store"), all - kFileBytes);
  EXPECT_EQ(DirectorySize(root + "/none"), 0u);
}

TEST(DirectorySizeTest, AFolderThatMayNotBeReadHidesNoneBesideIt) {
  const testing::TempDir dir;
  const std::string root = dir / "cache";
  for (int i = 0; i < 20; ++i) Write(root + "/" + std::to_string(i) + "/file");
  const std::uint64_t before = DirectorySize(root);
  Write(root + "/lost+found/file");
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((root + "/lost+found").c_str(), 0), 0);
  {
    const AsNobody nobody;
    EXPECT_GE(DirectorySize(root), before);
    EXPECT_LT(DirectorySize(root), before + kFileBytes);
  }
  ASSERT_EQ(::chmod((root + "/lost+found").c_str(), 0755), 0);
}

}  // namespace
}  // namespace larder
