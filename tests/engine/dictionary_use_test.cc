// Dictionaries in a cache: trained from what it stores, used, kept, lost, dropped.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "cache_core.h"
#include "fake_clock.h"
#include "prose.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::Prose;

constexpr std::size_t kBodyBytes = 600;

class DictionaryUseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.log = [this](LogLevel, std::string_view line) { log_ += std::string(line) + "\n"; };
    Open();
  }
  void Open() {
    core_.reset();
    Result<std::shared_ptr<CacheCore>> core =
        CacheCore::Open(options_, {.hot_tier = false, .threads = false});
    ASSERT_OK(core);
    core_ = *std::move(core);
  }
  void Reopen() {
    ASSERT_OK(core_->Close());
    Open();
  }
  void PutAll(std::uint64_t from, std::uint64_t to, bool other_kind = false) {
    for (std::uint64_t i = from; i < to; ++i) {
      ASSERT_OK(core_->Put(Key(i), Body(i, other_kind), {}));
    }
  }
  static std::string Key(std::uint64_t i) { return "key " + std::to_string(i); }
  static std::string Body(std::uint64_t i, bool other_kind = false) {
    std::string text = Prose(i, kBodyBytes);
    for (char& c : text) {
      if (other_kind && c >= 'a' && c <= 'z') c = static_cast<char>('a' + 'z' - c);
    }
    return text;
  }
  std::size_t Readable(std::uint64_t from, std::uint64_t to, bool other_kind = false) {
    std::size_t count = 0;
    for (std::uint64_t i = from; i < to; ++i) {
      const std::optional<Hit> hit = core_->Get(Key(i), {});
      if (!hit.has_value()) continue;
      EXPECT_EQ(hit->entry.body(), Body(i, other_kind));
      ++count;
    }
    return count;
  }
  std::size_t StoredBytesOf(std::uint64_t i) {
    return core_->Get(Key(i), {})->entry.stored_bytes();
  }
  std::size_t DictionaryFiles() const {
    const std::filesystem::path path = dir_ / "cache/dict";
    if (!std::filesystem::exists(path)) return 0;
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::string log_;
  Options options_;
  std::shared_ptr<CacheCore> core_;
};

TEST_F(DictionaryUseTest, OneIsTrainedFromWhatIsStoredAndSavesSpace) {
  PutAll(0, 1000);
  EXPECT_EQ(DictionaryFiles(), 0u);
  core_->Care();
  EXPECT_EQ(DictionaryFiles(), 1u);
  EXPECT_NE(log_.find("adopted a dictionary"), std::string::npos) << log_;
  PutAll(1000, 1100);
  EXPECT_LT(StoredBytesOf(1050), StoredBytesOf(50) * 9 / 10);
  EXPECT_EQ(Readable(0, 1100), 1100u);
  Reopen();
  EXPECT_EQ(Readable(0, 1100), 1100u);
}

TEST_F(DictionaryUseTest, ALostDictionaryMakesMissesThatCanBeStoredAnew) {
  PutAll(0, 1000);
  core_->Care();
  PutAll(1000, 1100);
  ASSERT_OK(core_->Close());
  std::filesystem::remove_all(dir_ / "cache/dict");
  Open();
  EXPECT_EQ(Readable(0, 1000), 1000u);
  const std::uint64_t corrupt = core_->GetStats().misses_corrupt;
  EXPECT_EQ(Readable(1000, 1100), 0u);
  EXPECT_EQ(core_->GetStats().misses_corrupt, corrupt + 100);
  PutAll(1000, 1100);
  EXPECT_EQ(Readable(1000, 1100), 100u);
}

TEST_F(DictionaryUseTest, SwitchedOffNoneIsTrainedButOldOnesAreRead) {
  PutAll(0, 1000);
  core_->Care();
  PutAll(1000, 1100);
  options_.compression.dictionary = DictionaryMode::kOff;
  Reopen();
  EXPECT_EQ(Readable(0, 1100), 1100u);
  const std::size_t with = StoredBytesOf(1050);
  PutAll(1000, 3500);
  core_->Care();
  EXPECT_EQ(DictionaryFiles(), 1u);
  EXPECT_GT(StoredBytesOf(1050), with);
}

TEST_F(DictionaryUseTest, OnesThatNoFileNeedsAreDroppedWhenAnotherIsAdopted) {
  ASSERT_OK(core_->Close());
  DictionaryShelf shelf(dir_ / "cache/dict", 3, nullptr);
  for (const char* useless : {"one", "two", "three"}) {
    ASSERT_OK(shelf.Adopt(std::string(300, 'x') + useless));
  }
  const std::uint64_t third = shelf.Newest()->id();
  Open();
  PutAll(0, 1000);
  core_->Care();
  EXPECT_EQ(DictionaryFiles(), 2u);
  EXPECT_EQ(*core_->DictionariesInUse(), std::set<std::uint64_t>{third});
  EXPECT_EQ(Readable(0, 1000), 1000u);
}

TEST_F(DictionaryUseTest, FilesTellWhichDictionariesTheyNeed) {
  PutAll(0, 1000);
  core_->Care();
  PutAll(1000, 1100);
  ASSERT_OK(core_->CompactAll());
  EXPECT_EQ(core_->DictionariesInUse()->size(), 1u);
  PutAll(1000, 1100);
  options_.compression.dictionary = DictionaryMode::kOff;
  Reopen();
  PutAll(1000, 1100);
  ASSERT_OK(core_->CompactAll());
  EXPECT_EQ(core_->DictionariesInUse()->size(), 0u);
}

}  // namespace
}  // namespace larder
