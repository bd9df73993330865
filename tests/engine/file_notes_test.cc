#include "file_notes.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "record.h"
#include "running_merges.h"
#include "status_matchers.h"
#include "store.h"
#include "temp_dir.h"

namespace larder {
namespace {

std::string Row(const std::string& key, std::uint64_t number, std::size_t bytes,
                std::uint64_t dictionary = 0) {
  std::string tags;
  AppendTag(tags, "tag of " + key);
  const std::string payload(bytes, 'p');
  RecordView record;
  record.codec = RecordCodec::kZstd;
  record.number = number;
  record.expires = record.fresh_until = TimePoint(Duration(1000 + static_cast<long>(number)));
  record.dictionary = dictionary;
  record.tags = tags;
  record.tag_count = 1;
  record.payload = payload;
  return std::string(EncodeRecord(key, record));
}

class FileNotesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<Store>> store = Store::Open({.path = dir_ / "store"});
    ASSERT_OK(store);
    store_ = *std::move(store);
  }
  testing::TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(FileNotesTest, AFileNamesItsDictionariesAndItsRows) {
  ASSERT_OK(store_->Put("a", Row("a", 1, 10, 7), false));
  ASSERT_OK(store_->Put("b", Row("b", 2, 10, 300), false));
  ASSERT_OK(store_->Put("c", EncodeTombstone("c", 3), false));
  ASSERT_OK(store_->Flush());
  const std::vector<StoreFile> files = store_->Files();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].rows, 3u);
  EXPECT_EQ(files[0].notes.dictionaries, (std::set<std::uint64_t>{7, 300}));
  EXPECT_EQ(files[0].notes.swept, 0u);
  const std::vector<SampledRow> sample = ReadSample(files[0].notes.sample);
  ASSERT_EQ(sample.size(), 3u);
  EXPECT_EQ(sample[0].key, "a");
  EXPECT_EQ(sample[1].number, 2u);
  EXPECT_EQ(sample[1].expires, TimePoint(Duration(1002)));
  EXPECT_EQ(sample[1].tags, std::vector<TagHash>{HashTag("tag of b")});
  EXPECT_TRUE(sample[2].tombstone);
}

TEST_F(FileNotesTest, ARowIsDrawnAsOftenAsItIsLarge) {
  // The first half of the keys has nine tenths of the bytes.
  for (int i = 0; i < 2000; ++i) {
    const std::string key = std::to_string(10'000 + i);
    ASSERT_OK(store_->Put(key, Row(key, 1, i < 1000 ? 4500 : 400), false));
  }
  ASSERT_OK(store_->Flush());
  std::size_t large = 0;
  std::size_t all = 0;
  for (const StoreFile& file : store_->Files()) {
    for (const SampledRow& row : ReadSample(file.notes.sample)) {
      ++all;
      large += row.key < "11000" ? 1 : 0;
    }
  }
  EXPECT_GE(all, FileNotes::kSampledRows);
  EXPECT_GT(large * 10, all * 7);
}

TEST_F(FileNotesTest, AFileWrittenByASweepSaysWhenThatWas) {
  ASSERT_OK(store_->Put("a", Row("a", 1, 10), false));
  ASSERT_OK(store_->Flush());
  store_.reset();
  StoreOptions options{.path = dir_ / "store"};
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  ASSERT_OK(store);
  auto merge = std::make_shared<RunningMerge>();
  merge->swept = 99;
  ASSERT_OK((*store)->Rewrite({(*store)->Files()[0].name}, Store::kLastLevel, merge));
  ASSERT_EQ((*store)->Files().size(), 1u);
  EXPECT_EQ((*store)->Files()[0].notes.swept, 99u);
  EXPECT_EQ((*store)->Files()[0].level, Store::kLastLevel);
}

TEST(FileNotes, WhatIsDamagedIsLeftOut) {
  EXPECT_FALSE(ReadFileNotes({}).dictionaries.has_value());
  EXPECT_FALSE(ReadFileNotes({{"larder.dictionaries", "\x81"}}).dictionaries.has_value());
  EXPECT_EQ(ReadFileNotes({{"larder.dictionaries", std::string("\x05\x81\x01", 3)}}).dictionaries,
            (std::set<std::uint64_t>{5, 129}));
  EXPECT_EQ(ReadFileNotes({{"larder.swept", "\x81"}}).swept, 0u);
  EXPECT_TRUE(ReadSample("\x05"
                         "ab")
                  .empty());
}

}  // namespace
}  // namespace larder
