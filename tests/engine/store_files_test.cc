// What is seen of a store's files before RocksDB opens it.
#include "store_files.h"

#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using testing::HasCode;
using ::testing::HasSubstr;

constexpr std::size_t kBlock = 32'768;

// As RocksDB writes it, save for the checksum.
std::string Record(std::size_t length) {
  std::string record = "crc.";
  record += static_cast<char>(length & 0xff);
  record += static_cast<char>(length >> 8);
  record += '\1';
  return record + std::string(length, 'e');
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
  std::string blocks = Record(kBlock - 7) + std::string(kBlock, '\0') + Record(100);
  EXPECT_THAT(CheckManifest(blocks), HasCode(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace larder
