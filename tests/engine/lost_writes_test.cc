// P1 and P2 against a disk that loses the end of the store's files: what was removed stays removed,
// though RocksDB takes such a store for a sound one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cache_core.h"
#include "fake_clock.h"
#include "faulty_file_system.h"
#include "journal_file.h"
#include "metered_file_system.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using testing::HasCode;
using ::testing::HasSubstr;

// The first to open it is refused: there are no descriptors left, say.
class JournalUnreadableAtFirst final : public JournalFiles {
 public:
  Result<std::unique_ptr<JournalFile>> Open(const std::string& path) override {
    if (std::exchange(refuses_, false)) return Status(StatusCode::kUnavailable, "no luck");
    return System().Open(path);
  }
  Result<std::unique_ptr<JournalFile>> Create(const std::string& path) override {
    return System().Create(path);
  }
  Status Remove(const std::string& path) override { return System().Remove(path); }
  Status Rename(const std::string& from, const std::string& to) override {
    return System().Rename(from, to);
  }
  Status SyncDirectoryOf(const std::string& path) override {
    return System().SyncDirectoryOf(path);
  }

 private:
  bool refuses_ = true;
};

class LostWritesTest : public ::testing::Test {
 protected:
  LostWritesTest() { cache_ = Open("running"); }

  std::shared_ptr<CacheCore> Open(const std::string& directory, rocksdb::Env* env = nullptr) {
    return *TryOpen(directory, {.env = env});
  }
  Result<std::shared_ptr<CacheCore>> TryOpen(const std::string& directory,
                                             CacheInternals internals) {
    Options options;
    options.directory = dir_ / directory;
    options.clock = &clock_;
    options.log = [this](LogLevel /*level*/, std::string_view line) {
      const std::lock_guard lock(mutex_);
      log_.emplace_back(line);
    };
    internals.write_buffer_bytes = std::uint64_t{64} << 10;
    internals.threads = false;
    return CacheCore::Open(options, internals);
  }
  std::vector<fs::path> Files(const std::string& directory, const std::string& what) const {
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(dir_ / (directory + "/store"))) {
      if (item.path().filename().string().find(what) != std::string::npos) {
        files.push_back(item.path());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  // The log that is being written.
  fs::path Log() const { return Files("running", ".log").back(); }
  fs::path Manifest() const { return Files("running", "MANIFEST").back(); }
  // Everything written so far is in tables then, and its logs are gone.
  void WriteTables() {
    const fs::path before = Log();
    const std::string filler(3000, 'f');
    for (int i = 0; fs::exists(before); ++i) {
      // Refused while RocksDB is busy with what came before.
      static_cast<void>(cache_->Put("filler " + std::to_string(i % 100), filler, {}));
      std::this_thread::yield();
    }
  }
  // As a kill would leave it. Again where a file goes away meanwhile.
  void Crash() {
    std::error_code error;
    do {
      fs::remove_all(dir_ / "crashed");
      fs::copy(dir_ / "running", dir_ / "crashed", fs::copy_options::recursive, error);
    } while (error == std::errc::no_such_file_or_directory);
    ASSERT_FALSE(error) << error.message();
  }
  // Its value is in a table, and its removal in a log.
  void PutAndRemove() {
    ASSERT_OK(cache_->Put("k", "v", {}));
    WriteTables();
    ASSERT_OK(cache_->Remove("k"));
  }
  // It is known that something was lost.
  void ExpectRemovedAfterTheCrash(const std::string& told = "the store lost synced writes") {
    EXPECT_FALSE(Open("crashed")->Get("k", {}).has_value());
    EXPECT_THAT(log_, Contains(HasSubstr(told)));
  }
  static void ZeroOut(const fs::path& file, std::uintmax_t from, std::uintmax_t count) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(from));
    bytes << std::string(count, '\0');
  }
  // The manifest has lost its tail, and with it the table in which "k" is removed.
  void CrashWithoutTheTableOfARemoval() {
    PutAndRemove();
    const std::uintmax_t before = fs::file_size(Manifest());
    WriteTables();
    ASSERT_OK(cache_->Put("later", "v", {}));
    Crash();
    fs::resize_file(Crashed(Manifest()), before);
  }
  fs::path Crashed(const fs::path& of) const {
    return dir_ / ("crashed/store/" + of.filename().string());
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::mutex mutex_;
  std::vector<std::string> log_;  // guarded by mutex_
  std::shared_ptr<CacheCore> cache_;
};

TEST_F(LostWritesTest, AWholeStoreKeepsItsEntries) {
  ASSERT_OK(cache_->Put("k", "v", {}));
  WriteTables();
  ASSERT_OK(cache_->Put("kept", "v", {}));
  ASSERT_OK(cache_->Remove("k"));
  WriteTables();
  ASSERT_OK(cache_->Put("last", "v", {}));
  Crash();
  const auto crashed = Open("crashed");
  EXPECT_FALSE(crashed->Get("k", {}).has_value());
  EXPECT_TRUE(crashed->Get("kept", {}).has_value());
  EXPECT_TRUE(crashed->Get("last", {}).has_value());
}

// The last one is empty then, and a loss of power may take it.
TEST_F(LostWritesTest, AStoreWhoseWritesAreAllInTablesNeedsNoLog) {
  ASSERT_OK(cache_->Put("k", "v", {}));
  ASSERT_OK(cache_->Put("kept", "v", {}));
  ASSERT_OK(cache_->Remove("k"));
  ASSERT_OK(cache_->Close());
  Crash();
  for (const fs::path& log : Files("crashed", ".log")) fs::remove(log);
  const auto crashed = Open("crashed");
  EXPECT_FALSE(crashed->Get("k", {}).has_value());
  EXPECT_TRUE(crashed->Get("kept", {}).has_value());
}

// The removal was in a table that the manifest no longer knows, and whose log is gone; the writes
// after it are in a later log.
TEST_F(LostWritesTest, RemovalWhoseTableTheManifestForgotStaysRemoved) {
  CrashWithoutTheTableOfARemoval();
  const auto crashed = Open("crashed");
  EXPECT_FALSE(crashed->Get("k", {}).has_value());
  EXPECT_THAT(log_, Contains(HasSubstr("the store lost synced writes")));
  ExportedEntry newer{.key = "k", .body = "newer"};
  clock_.Advance(std::chrono::seconds(10));
  newer.created = crashed->Now();
  bool given = false;
  const auto report = crashed->Import([&]() -> Result<std::optional<ExportedEntry>> {
    if (std::exchange(given, true)) return std::optional<ExportedEntry>();
    return std::optional(newer);
  });
  ASSERT_OK(report);
  EXPECT_EQ(report->invalidated, 0u) << "it was computed after that was found";
}

TEST_F(LostWritesTest, AnEarlierRemovalThatTheManifestForgotStaysRemovedToo) {
  PutAndRemove();
  const std::uintmax_t before = fs::file_size(Manifest());
  WriteTables();
  ASSERT_OK(cache_->Remove("another"));
  Crash();
  fs::resize_file(Crashed(Manifest()), before);
  ExpectRemovedAfterTheCrash();
}

TEST_F(LostWritesTest, RemovalInALogThatIsLostStaysRemoved) {
  PutAndRemove();
  Crash();
  fs::resize_file(Crashed(Log()), 0);
  ExpectRemovedAfterTheCrash();
}

// After the new manifest is in force what is left of the logs is in tables, and is not read again.
TEST_F(LostWritesTest, WhatAnOpeningSawThatFailedAtAnyPointCounts) {
  CrashWithoutTheTableOfARemoval();
  fs::rename(dir_ / "crashed", dir_ / "damaged");
  const auto files = std::make_shared<testing::FaultyFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  bool failed = true;
  for (std::uint64_t operation = 1; failed; ++operation) {
    fs::remove_all(dir_ / "crashed");
    fs::copy(dir_ / "damaged", dir_ / "crashed", fs::copy_options::recursive);
    files->FailOperations(operation, UINT64_MAX / 2, rocksdb::IOStatus::IOError("no luck"));
    const auto crashed = Open("crashed", env.get());
    failed = !crashed->GetHealth().reads;
    files->FailNothing();
    crashed->Care();
    ASSERT_TRUE(crashed->GetHealth().reads) << operation;
    EXPECT_FALSE(crashed->Get("k", {}).has_value()) << operation;
  }
}

// What an opening had read before it was killed is read again by the next one, or was judged.
TEST_F(LostWritesTest, KilledAtAnyPointOfOpeningTheNextOpeningFindsTheSame) {
  CrashWithoutTheTableOfARemoval();
  fs::rename(dir_ / "crashed", dir_ / "damaged");
  const auto files = std::make_shared<testing::FaultyFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  bool failed = true;
  for (std::uint64_t operation = 1; failed; ++operation) {
    fs::remove_all(dir_ / "opening");
    fs::remove_all(dir_ / "crashed");
    fs::copy(dir_ / "damaged", dir_ / "opening", fs::copy_options::recursive);
    // Nothing of what the process does from here on reaches the store.
    files->FailOperations(operation, UINT64_MAX / 2, rocksdb::IOStatus::IOError("no luck"));
    const auto opening = Open("opening", env.get());
    failed = !opening->GetHealth().reads;
    fs::copy(dir_ / "opening", dir_ / "crashed", fs::copy_options::recursive);
    files->FailNothing();
    EXPECT_FALSE(Open("crashed")->Get("k", {}).has_value()) << operation;
  }
}

// RocksDB passes over zeros, and takes the store for whole.
TEST_F(LostWritesTest, RemovalWhoseTableIsZeroedInTheManifestStaysRemoved) {
  PutAndRemove();
  const std::uintmax_t before = fs::file_size(Manifest());
  WriteTables();
  ASSERT_OK(cache_->Put("later", "v", {}));
  Crash();
  ZeroOut(Crashed(Manifest()), before, 16);
  ExpectRemovedAfterTheCrash("zeros where a record should begin");
}

TEST_F(LostWritesTest, RemovalThatIsZeroedInALogStaysRemoved) {
  ASSERT_OK(cache_->Put("k", "v", {}));
  WriteTables();
  const std::uintmax_t before = fs::file_size(Log());
  ASSERT_OK(cache_->Remove("k"));
  const std::uintmax_t after = fs::file_size(Log());
  ASSERT_OK(cache_->Put("later", "v", {}));
  ASSERT_OK(cache_->Sync());
  Crash();
  ZeroOut(Crashed(Log()), before, after - before);
  ExpectRemovedAfterTheCrash();
}

// RocksDB goes on with the next block, where later writes are.
TEST_F(LostWritesTest, RemovalInTheLostBeginningOfALogStaysRemoved) {
  PutAndRemove();
  const std::uintmax_t after = fs::file_size(Log());
  ASSERT_OK(cache_->Put("later", "v", {}));
  ASSERT_OK(cache_->Sync());
  Crash();
  std::ostringstream bytes;
  bytes << std::ifstream(Crashed(Log()), std::ios::binary).rdbuf();
  std::ofstream(Crashed(Log()), std::ios::binary)
      << std::string(32'768, '\0') << bytes.str().substr(after);
  ExpectRemovedAfterTheCrash();
}

// A later opening makes another ledger, and would find the store whole.
TEST_F(LostWritesTest, StoreIsNotTouchedWhileTheJournalCannotBeRead) {
  CrashWithoutTheTableOfARemoval();
  JournalUnreadableAtFirst journal;
  EXPECT_THAT(TryOpen("crashed", {.journal_files = &journal}), HasCode(StatusCode::kUnavailable));
  const auto crashed = TryOpen("crashed", {.journal_files = &journal});
  ASSERT_OK(crashed);
  EXPECT_FALSE((*crashed)->Get("k", {}).has_value());
  ASSERT_OK((*crashed)->Close());
}

// As while a backup is made: those that are in tables pile up.
TEST_F(LostWritesTest, MarkHasTheNewestLogs) {
  DiskUse use;
  fs::create_directory(dir_ / "logs");
  MeteredFileSystem files(rocksdb::FileSystem::Default(), dir_ / "logs", use, {});
  std::vector<std::unique_ptr<rocksdb::FSWritableFile>> logs(20);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const std::string name = dir_ / ("logs/" + std::to_string(999'990 + i) + ".log");
    ASSERT_TRUE(files.NewWritableFile(name, {}, &logs[i], nullptr).ok());
    if (i == 15) continue;
    ASSERT_TRUE(logs[i]->Append("a write", {}, nullptr).ok());
  }
  StoreMark mark;
  files.NoteLogs(mark);
  EXPECT_EQ(mark.logs.front(), 999'993U);
  EXPECT_EQ(mark.logs.back(), 1'000'009U);
  EXPECT_EQ(std::count(mark.logs.begin(), mark.logs.end(), 1'000'005U), 0) << "nothing is in it";
  EXPECT_EQ(mark.gone, 0U);
  for (const std::uint64_t gone : {999'992U, 1'000'005U}) {
    const std::string name = dir_ / ("logs/" + std::to_string(gone) + ".log");
    ASSERT_TRUE(files.DeleteFile(name, {}, nullptr).ok());
  }
  files.NoteLogs(mark);
  EXPECT_EQ(mark.gone, 999'992U) << "the other had no writes";
}

}  // namespace
}  // namespace larder
