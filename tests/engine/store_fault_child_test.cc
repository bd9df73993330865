// P4: no fault of the disk ends the process, loses what was acknowledged, or outlives its cause.
// Each runs in a process of its own (fault_child.cc): RocksDB's assertions are live here.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "tmpfs_dir.h"

namespace larder {
namespace {

// Runs the child; what it said last, if it did not end well.
::testing::AssertionResult ChildIsWell(const std::string& arguments) {
  const std::string command = std::string(LARDER_FAULT_CHILD) + " " + arguments + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return ::testing::AssertionFailure() << "cannot run " << command;
  std::string last;
  std::array<char, 4096> line{};
  std::string tail;
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
    tail = last + line.data();
    last = line.data();
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << command << ": status " << status << "; it said " << tail;
}

struct Fault {
  const char* kind;
  const char* how_long;
};

class EveryOperationFails : public ::testing::TestWithParam<Fault> {
 protected:
  std::string Arguments() const {
    return (dir_ / "") + " " + GetParam().kind + " " + GetParam().how_long;
  }
  larder::testing::TmpfsDir dir_;
};

TEST_P(EveryOperationFails, WhileItIsUsed) { EXPECT_TRUE(ChildIsWell("sweep " + Arguments())); }
TEST_P(EveryOperationFails, WhileItIsOpened) { EXPECT_TRUE(ChildIsWell("opening " + Arguments())); }

INSTANTIATE_TEST_SUITE_P(
    StoreFaultChildTest, EveryOperationFails,
    ::testing::Values(Fault{"full", "once"}, Fault{"full", "on"}, Fault{"io", "once"},
                      Fault{"io", "on"}, Fault{"descriptors", "once"}, Fault{"descriptors", "on"}),
    [](const auto& fault) { return std::string(fault.param.kind) + "_" + fault.param.how_long; });

#ifndef __SANITIZE_ADDRESS__  // UBSan opens a pipe to look at a vptr; without, it calls it invalid
TEST(StoreFaultChildTest, FewDescriptorsAreSurvivedAndHealed) {
  const larder::testing::TmpfsDir dir;
  EXPECT_TRUE(ChildIsWell("descriptors " + (dir / "")));
}
#endif

// A volume of its own, 100 MiB in memory.
class VolumeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(mount_point_);
    mounted_ = ::mount("tmpfs", mount_point_.c_str(), "tmpfs", 0, "size=100m") == 0;
    if (!mounted_) why_not_ = std::strerror(errno);
  }
  void TearDown() override {
    if (mounted_) ::umount2(mount_point_.c_str(), MNT_DETACH);
  }

  const larder::testing::TmpfsDir dir_;
  const std::string mount_point_ = dir_ / "volume";
  bool mounted_ = false;
  std::string why_not_;
};

TEST_F(VolumeTest, FullOneIsSurvivedAndHealed) {
  if (!mounted_) GTEST_SKIP() << "(#3) mounting is not allowed here: " << why_not_;
  EXPECT_TRUE(ChildIsWell("volume " + mount_point_));
}

TEST_F(VolumeTest, ReadOnlyOneIsRefusedAtOpeningAndWelcomeLater) {
  if (!mounted_) GTEST_SKIP() << "(#3) mounting is not allowed here: " << why_not_;
  EXPECT_TRUE(ChildIsWell("readonly " + mount_point_));
}

}  // namespace
}  // namespace larder
