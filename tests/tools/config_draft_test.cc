#include "config_draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "larder/client/config_change.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::tools {
namespace {

using larder::testing::HasCode;

class ConfigDraftTest : public ::testing::Test {
 protected:
  ConfigDraftTest() {
    std::ofstream(file_) << R"({ "cache": { "default_ttl": "1h" } })";
    sources_.file = file_;
  }
  Result<client::ConfigDocument> Load() const { return client::ConfigDocument::Load(sources_); }
  Result<ConfigDraft> Set(const std::string& patch,
                          std::chrono::milliseconds patience = std::chrono::minutes(1)) const {
    return ConfigDraft::Write(
        sources_, *Load(),
        [&](const std::string& text) { return client::PatchConfigText(text, file_, patch); },
        patience);
  }
  std::string Text() const {
    std::ifstream stream(file_);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  struct stat Rights() const {
    struct stat rights {};
    EXPECT_EQ(::stat(file_.c_str(), &rights), 0);
    return rights;
  }

  const testing::TempDir dir_;
  const std::string file_ = dir_ / "config.json";
  client::ConfigSources sources_;
};

TEST_F(ConfigDraftTest, AFileThatCannotBeReadAnyMoreIsAnErrorAndThrowsNothing) {
  const Result<client::ConfigDocument> document = Load();
  ASSERT_OK(document);
  const auto draft = [&] {
    return ConfigDraft::Write(
        sources_, *document, [](const std::string& text) { return text; }, std::chrono::minutes(1));
  };
  EXPECT_OK(draft());
  std::filesystem::remove(file_);
  EXPECT_THAT(draft(), HasCode(StatusCode::kInternal));
  std::filesystem::create_directory(file_);
  EXPECT_THAT(draft(), HasCode(StatusCode::kInternal));
}

TEST_F(ConfigDraftTest, WhatIsNotCommittedLeavesNothing) {
  const std::string before = Text();
  {
    const auto draft = Set(R"({"cache": {"default_ttl": "2h"}})");
    ASSERT_OK(draft);
    EXPECT_EQ(draft->document().Text("/cache/default_ttl"), "2h");
  }
  EXPECT_THAT(Set(R"({"cache": {"no such": 1}})"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Text(), before);
  EXPECT_NE(::access((file_ + ".next").c_str(), F_OK), 0);
}

// larderd reads a file of root's by its group: a change by root must not shut it out.
TEST_F(ConfigDraftTest, OwnerGroupAndRightsStayAsTheyWere) {
  const bool root = ::geteuid() == 0;  // who may give a file away
  const uid_t owner = root ? 12345 : ::geteuid();
  const gid_t group = root ? 23456 : ::getegid();
  ASSERT_EQ(::chown(file_.c_str(), owner, group), 0);
  ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
  auto draft = Set(R"({"cache": {"default_ttl": "2h"}})");
  ASSERT_OK(draft);
  ASSERT_OK(draft->Commit());
  EXPECT_EQ(Rights().st_uid, owner);
  EXPECT_EQ(Rights().st_gid, group);
  EXPECT_EQ(Rights().st_mode & 07777, 0640U);
}

TEST_F(ConfigDraftTest, WhereTheOwnerCannotBeKeptNothingIsChanged) {
  if (::geteuid() != 0) return;  // only root may give a file away
  ASSERT_EQ(::chown(file_.c_str(), 12345, 23456), 0);
  ASSERT_EQ(::chmod(file_.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0777), 0);
  const std::string before = Text();
  ASSERT_EQ(::seteuid(34567), 0);
  const Status status = Set(R"({"cache": {"default_ttl": "2h"}})").status();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("owner"));
  EXPECT_EQ(Text(), before);
  EXPECT_EQ(Rights().st_uid, 12345U);
  EXPECT_NE(::access((file_ + ".next").c_str(), F_OK), 0);
}

TEST_F(ConfigDraftTest, WhatAWriterThatDiedLeftIsInNobodysWay) {
  std::ofstream(file_ + ".next") << "half of a";
  auto draft = Set(R"({"cache": {"default_ttl": "2h"}})");
  ASSERT_OK(draft);
  ASSERT_OK(draft->Commit());
  EXPECT_EQ((*Load()).Text("/cache/default_ttl"), "2h");
}

TEST_F(ConfigDraftTest, WhileThereIsAnotherNoneIsWritten) {
  const char* patch = R"({"cache": {"default_ttl": "2h"}})";
  auto first = Set(patch);
  ASSERT_OK(first);
  EXPECT_THAT(Set(patch, std::chrono::milliseconds(0)), HasCode(StatusCode::kUnavailable));
  ASSERT_OK(first->Commit());
  EXPECT_OK(Set(patch, std::chrono::milliseconds(0)));
}

TEST_F(ConfigDraftTest, NoneOfManyWritersUndoesWhatAnotherWrote) {
  constexpr int kWriters = 4;
  constexpr int kChanges = 10;
  std::atomic<int> failed = 0;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kChanges; ++i) {
        const std::string model = std::to_string(writer) + "-" + std::to_string(i);
        auto draft = Set(R"({"prices": {")" + model +
                         R"(": {"input_per_million": 1, "output_per_million": 1}}})");
        if (!draft.ok() || !draft->Commit().ok()) ++failed;
      }
    });
  }
  writers.clear();
  EXPECT_EQ(failed, 0);
  const auto document = Load();
  ASSERT_OK(document);
  EXPECT_EQ(document->Names("/prices").size(), std::size_t{kWriters * kChanges});
}

}  // namespace
}  // namespace larder::tools
