// What is seen of a store's files before RocksDB opens it.
#include "store_files.h"

#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "crc32c.h"
#include "little_endian.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using testing::HasCode;
using ::testing::HasSubstr;

constexpr std::size_t kBlock = 32'768;

// As RocksDB writes it.
std::string Record(std::size_t length) {
  const std::string typed = '\1' + std::string(length, 'e');
  std::string header(6, '\0');
  PutFixed(header.data(), MaskedCrc32c(typed), 4);
  PutFixed(header.data() + 4, length, 2);
  return header + typed;
}

class StoreFilesTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& bytes) {
    fs::create_directories(dir_ / "store");
    std::ofstream(dir_ / ("store/" + name), std::ios::binary) << bytes;
  }
  Result<StoreFiles> Check() { return CheckStoreFiles(*rocksdb::Env::Default(), dir_ / "store"); }
  Result<StoreFiles> CheckManifest(const std::string& bytes) {
    Write("CURRENT", "MANIFEST-000005\n");
    Write("MANIFEST-000005", bytes);
    return Check();
  }

  testing::TempDir dir_;
};

TEST_F(StoreFilesTest, NothingIsANewStore) {
  ASSERT_OK(Check());
  EXPECT_TRUE(Check()->is_new);
  Write("MANIFEST-000001", "cut off");
  ASSERT_OK(Check());
  EXPECT_TRUE(Check()->is_new);
}

TEST_F(StoreFilesTest, RowsWithoutCurrentAreDamage) {
  Write("000007.sst", "rows");
  EXPECT_THAT(Check(), HasCode(StatusCode::kDataLoss));
}

TEST_F(StoreFilesTest, AStoreWithoutALogGetsAnEmptyOne) {
  ASSERT_OK(CheckManifest(Record(100)));
  EXPECT_FALSE(Check()->is_new);
  EXPECT_FALSE(Check()->has_tables);
  EXPECT_TRUE(fs::exists(dir_ / "store/000001.log"));
  Write("000007.sst", "rows");
  EXPECT_TRUE(Check()->has_tables);
}

TEST_F(StoreFilesTest, ManifestMayEndWithZeros) {
  EXPECT_OK(CheckManifest(Record(100)));
  EXPECT_OK(CheckManifest(Record(100) + std::string(2 * kBlock, '\0')));
  EXPECT_OK(CheckManifest(Record(100) + Record(50).substr(0, 20)));
  EXPECT_OK(CheckManifest(""));
}

TEST_F(StoreFilesTest, BlocksOfAManifestMayEndWithZeros) {
  for (std::size_t left = 1; left < 7; ++left) {
    const std::string block = Record(kBlock - 7 - left) + std::string(left, '\0');
    EXPECT_OK(CheckManifest(block + block + Record(10))) << left;
    EXPECT_OK(CheckManifest(block)) << left;
  }
}

TEST_F(StoreFilesTest, ZerosInPlaceOfRecordsAreDamage) {
  const std::string zeros(64, '\0');
  const Result<StoreFiles> found = CheckManifest(Record(100) + zeros + Record(100));
  EXPECT_THAT(found, HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(found.status().message(), HasSubstr("MANIFEST-000005: zeros where a record"));
  EXPECT_THAT(CheckManifest(zeros + Record(100)), HasCode(StatusCode::kDataLoss));
  const std::string blocks = Record(kBlock - 7) + std::string(kBlock, '\0') + Record(100);
  EXPECT_THAT(CheckManifest(blocks), HasCode(StatusCode::kDataLoss));
}

// A loss of power may leave the later page of a record and not its first.
TEST_F(StoreFilesTest, ZerosBeforeAPartOfARecordAreWhatACrashLeft) {
  const std::string torn = std::string(4096, '\0') + Record(6000).substr(4096);
  EXPECT_OK(CheckManifest(Record(100) + torn));
}

TEST_F(StoreFilesTest, LogsWhoseBeginningIsLostAreNamed) {
  ASSERT_OK(CheckManifest(Record(100)));
  Write("000009.log", Record(100));
  Write("000012.log", std::string(kBlock, '\0') + Record(100));
  Write("000013.log", std::string(kBlock, '\0'));
  Write("000014.log", "");
  Write("000015.log", Record(100) + std::string(kBlock - 107, '\0') + Record(100));
  ASSERT_OK(Check());
  EXPECT_EQ(Check()->headless_logs, std::set<std::uint64_t>{12});
}

TEST(Crc32cTest, IsThatOfTheRfc) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
}

}  // namespace
}  // namespace larder
