#include "dictionary.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "prose.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::Prose;

class DictionaryShelfTest : public ::testing::Test {
 protected:
  DictionaryShelf Open() {
    return DictionaryShelf(path_, 3, [this](LogLevel, std::string_view line) { log_ += line; });
  }
  std::vector<std::filesystem::path> Files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(path_)) files.push_back(file);
    return files;
  }

  testing::TempDir dir_;
  const std::string path_ = dir_ / "dict";
  std::string log_;
};

TEST_F(DictionaryShelfTest, CopiesTakeWhatIsMissingAndOnlyThat) {
  ASSERT_OK(CopyDictionaries(path_, dir_ / "copy")) << "nothing there";
  EXPECT_FALSE(std::filesystem::exists(dir_ / "copy"));
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  {
    DictionaryShelf shelf = Open();
    ASSERT_OK(shelf.Adopt(Prose(1, 2000)));
    first = shelf.Newest()->id();
    ASSERT_OK(CopyDictionaries(path_, dir_ / "copy"));
    ASSERT_OK(shelf.Adopt(Prose(2, 2000)));
    second = shelf.Newest()->id();
    ASSERT_OK(CopyDictionaries(path_, dir_ / "copy"));
  }
  const DictionaryShelf copy(dir_ / "copy", 3, nullptr);
  ASSERT_NE(copy.Find(first), nullptr);
  EXPECT_EQ(copy.Find(first)->bytes(), Prose(1, 2000));
  EXPECT_EQ(copy.Newest()->id(), second);
}

TEST_F(DictionaryShelfTest, AShelfWithoutDirectoryIsEmpty) {
  const DictionaryShelf shelf = Open();
  EXPECT_EQ(shelf.Newest(), nullptr);
  EXPECT_EQ(shelf.Find(1), nullptr);
  EXPECT_EQ(log_, "");
}

TEST_F(DictionaryShelfTest, WhatIsAdoptedIsThereAfterReopeningAndTheNewestIsTheLatest) {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  {
    DictionaryShelf shelf = Open();
    ASSERT_OK(shelf.Adopt(Prose(1, 2000)));
    first = shelf.Newest()->id();
    ASSERT_OK(shelf.Adopt(Prose(2, 2000)));
    second = shelf.Newest()->id();
  }
  const DictionaryShelf shelf = Open();
  EXPECT_EQ(shelf.size(), 2u);
  EXPECT_EQ(shelf.Newest()->id(), second);
  EXPECT_EQ(shelf.Newest()->bytes(), Prose(2, 2000));
  ASSERT_NE(shelf.Find(first), nullptr);
  EXPECT_EQ(shelf.Find(first)->bytes(), Prose(1, 2000));
}

TEST_F(DictionaryShelfTest, ADamagedFileIsPassedOverAndLogged) {
  std::uint64_t id = 0;
  {
    DictionaryShelf shelf = Open();
    ASSERT_OK(shelf.Adopt(Prose(1, 500)));
    id = shelf.Newest()->id();
  }
  const std::filesystem::path file = Files().at(0);
  std::ifstream in(file, std::ios::binary);
  const std::string sound{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t at = 0; at < sound.size(); at += 7) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    std::ofstream(file, std::ios::binary) << damaged;
    log_.clear();
    EXPECT_EQ(Open().Find(id), nullptr) << at;
    EXPECT_NE(log_.find("does not verify"), std::string::npos);
    std::ofstream(file, std::ios::binary) << sound.substr(0, at);
    EXPECT_EQ(Open().Find(id), nullptr) << at;
  }
  std::ofstream(file, std::ios::binary) << sound;
  EXPECT_NE(Open().Find(id), nullptr);
}

TEST_F(DictionaryShelfTest, ADictionaryThatCannotBeKeptIsNotUsed) {
  std::ofstream(path_) << "a file where the directory should be";
  DictionaryShelf shelf = Open();
  EXPECT_THAT(shelf.Adopt(Prose(1, 500)), testing::HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(shelf.Newest(), nullptr);
}

TEST_F(DictionaryShelfTest, TheUnusedAreDroppedButForTheNewestTwo) {
  DictionaryShelf shelf = Open();
  std::vector<std::uint64_t> ids;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    ASSERT_OK(shelf.Adopt(Prose(seed, 500)));
    ids.push_back(shelf.Newest()->id());
  }
  EXPECT_EQ(shelf.DropUnused({ids[1]}), 2u);
  EXPECT_EQ(shelf.Find(ids[0]), nullptr);
  EXPECT_NE(shelf.Find(ids[1]), nullptr);
  EXPECT_EQ(shelf.Find(ids[2]), nullptr);
  EXPECT_NE(shelf.Find(ids[3]), nullptr);
  EXPECT_EQ(shelf.Newest()->id(), ids[4]);
  EXPECT_EQ(Files().size(), 3u);
  EXPECT_EQ(shelf.DropUnused({}), 1u);
  EXPECT_EQ(shelf.DropUnused({}), 0u);
}

TEST_F(DictionaryShelfTest, OnlyTheNewestTakesTheMemoryThatCompressingTakes) {
  const auto compress = [](const DictionaryShelf& shelf) {
    std::string which;
    for (const DictionaryPtr& dictionary : shelf.All()) {
      EXPECT_NE(dictionary->decompressing(), nullptr);
      which += dictionary->compressing() != nullptr ? 'c' : '-';
    }
    return which;
  };
  std::size_t bytes = 0;
  {
    DictionaryShelf shelf = Open();
    EXPECT_EQ(shelf.memory_bytes(), 0u);
    ASSERT_OK(shelf.Adopt(Prose(0, 100'000)));
    const std::size_t of_one = shelf.memory_bytes();
    EXPECT_GT(of_one, 200'000u);
    const DictionaryPtr writers = shelf.Newest();
    for (std::uint64_t seed = 1; seed < 5; ++seed) ASSERT_OK(shelf.Adopt(Prose(seed, 100'000)));
    EXPECT_EQ(compress(shelf), "----c");
    EXPECT_NE(writers->compressing(), nullptr) << "who is about to compress can";
    bytes = shelf.memory_bytes();
    EXPECT_LT(bytes, of_one + 4 * 140'000);
    shelf.SetLevel(1);
    EXPECT_EQ(compress(shelf), "----c");
  }
  EXPECT_EQ(compress(Open()), "----c") << "opened anew";
  EXPECT_LE(Open().memory_bytes(), bytes);
}

TEST_F(DictionaryShelfTest, WhatACrashLeftIsClearedAway) {
  std::filesystem::create_directory(path_);
  std::ofstream(path_ + "/00000001.dict.new") << "half";
  static_cast<void>(Open());
  EXPECT_TRUE(Files().empty());
}

TEST_F(DictionaryShelfTest, ThreadsReadWhileOthersAdoptAndDrop) {
  DictionaryShelf shelf = Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&shelf] {
      for (int i = 0; i < 5000; ++i) {
        const DictionaryPtr newest = shelf.Newest();
        EXPECT_TRUE(newest == nullptr || newest->bytes().size() == 500u);
        static_cast<void>(shelf.Find(static_cast<std::uint64_t>(i)));
      }
    });
  }
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    EXPECT_OK(shelf.Adopt(Prose(seed, 500)));
    shelf.DropUnused({});
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder
