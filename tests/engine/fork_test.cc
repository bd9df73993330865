// A process that has a cache open and starts others. What a child made by fork may do with a cache
// is to leave it alone until it has called exec: RocksDB's threads do not exist in it.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>

#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

extern char** environ;

namespace larder {
namespace {

constexpr unsigned kPatienceSeconds = 60;

class ForkTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    cache_.reset();
    Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = dir_ / "cache"});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  std::string Get() {
    const std::optional<Hit> hit = cache_->Get("k");
    return hit ? std::string(hit->entry.body()) : "MISS";
  }

  testing::TempDir dir_;
  std::unique_ptr<Cache> cache_;
};

// The lock on the directory is closed by exec.
TEST_F(ForkTest, ProgramStartedMeanwhileDoesNotHoldTheDirectory) {
  char name[] = "sleep";
  char seconds[] = "60";
  char* argv[] = {name, seconds, nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawnp(&child, name, nullptr, nullptr, argv, environ), 0);
  ASSERT_OK(cache_->Put("k", "v"));
  ASSERT_OK(cache_->Close());
  Open();
  EXPECT_EQ(Get(), "v");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// It would wait for ever for threads that it does not have. The lock, which is its parent's, keeps
// it from getting that far; and what it does and how it ends is nothing to its parent.
TEST_F(ForkTest, ChildThatOpensItsParentsCacheIsRefusedAndHarmsNothing) {
  ASSERT_OK(cache_->Put("k", "v"));
  const std::string directory = dir_ / "cache";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(kPatienceSeconds);
    const Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = directory});
    ::_exit(cache.status().code() == StatusCode::kUnavailable ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Get(), "v");
  ASSERT_OK(cache_->Put("k", "w"));
  ASSERT_OK(cache_->Sync());
  Open();
  EXPECT_EQ(Get(), "w");
}

// What needs none of those threads still works, and the parent sees nothing of it.
TEST_F(ForkTest, ChildThatReadsItsParentsCacheHarmsNothing) {
  ASSERT_OK(cache_->Put("k", "v"));
  ASSERT_EQ(Get(), "v");  // now in memory
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(kPatienceSeconds);
    ::_exit(Get() == "v" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_OK(cache_->Put("k", "w"));
  Open();
  EXPECT_EQ(Get(), "w");
}

}  // namespace
}  // namespace larder
