// What the files of a cache's directory say of their versions.
#include "larder/formats.h"

#include <gtest/gtest.h>

#include <fstream>

#include "dictionary.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

class FormatsTest : public ::testing::Test {
 protected:
  // "state 1/1, invalidations 3/3".
  std::string Formats() {
    const Result<std::vector<FileFormat>> formats = ReadFormats(directory_);
    EXPECT_OK(formats);
    std::string text;
    for (const FileFormat& format : *formats) {
      if (!text.empty()) text += ", ";
      text +=
          format.file + " " + std::to_string(format.version) + "/" + std::to_string(format.newest);
    }
    return text;
  }
  void Overwrite(const std::string& file, std::size_t at, const std::string& bytes) {
    std::fstream out(directory_ + "/" + file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(at));
    out << bytes;
  }

  testing::TempDir dir_;
  std::string directory_ = dir_ / "cache";
};

// So that a new version of a format is not forgotten here.
TEST_F(FormatsTest, EveryFileIsWrittenInTheNewestVersionThatIsRead) {
  EXPECT_EQ(Formats(), "") << "no directory, no files";
  const Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = directory_});
  ASSERT_OK(cache);
  DictionaryShelf shelf(directory_ + "/dict", 3, nullptr);
  ASSERT_OK(shelf.Adopt(std::string(3000, 'd') + "what answers have in common"));
  const std::string formats = Formats();
  EXPECT_TRUE(formats.starts_with("state 1/1, invalidations 3/3, dict/")) << formats;
  EXPECT_TRUE(formats.ends_with(".dict 1/1")) << formats;
}

TEST_F(FormatsTest, LaterVersionsAndOtherFilesAreToldApart) {
  ASSERT_OK(Cache::Open({.directory = directory_}));
  Overwrite("state", 13, "7");
  Overwrite("invalidations", 0, "damaged");
  Overwrite("invalidations", 4096 + 8, "\x09");
  EXPECT_EQ(Formats(), "state 7/1, invalidations 9/3") << "one copy of the header is enough";
  Overwrite("state", 0, "another");
  Overwrite("invalidations", 4096, "damaged");
  EXPECT_EQ(Formats(), "state 0/1, invalidations 0/3");
}

}  // namespace
}  // namespace larder
