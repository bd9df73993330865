// The journal's bytes on disk (docs/format.md), of every version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "journal_fixture.h"
#include "status_matchers.h"

namespace larder {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string Unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// A journal as version 1 wrote it: its free places are zeros.
TEST_F(JournalTest, VersionOneIsReadAndNotWrittenTo) {
  std::string bytes(8192 + 5 * 32, '\0');
  bytes.replace(0, 56,
                Unhex("4c44524a524e4c310100000000000000020000000000000088776655"
                      "4433221199000000000000000500000000000000118a2e3ad25bc87d"));
  bytes.replace(4096, 56,
                Unhex("4c44524a524e4c310100000000000000010000000000000088776655"
                      "4433221199000000000000000500000000000000cf5ed337259089a7"));
  bytes.replace(8192, 32,
                Unhex("0807060504030201a8a7a6a5a4a3a2a1"
                      "01000000000000009428b82342890039"));
  files_.Write(kPath, bytes);
  auto journal = Make();
  const Reading reading = ReadBack(*journal);
  EXPECT_THAT(reading.contents.damage, IsEmpty());
  EXPECT_EQ(reading.contents.header, (JournalHeader{0x1122334455667788, {.sequence = 0x99}}));
  EXPECT_THAT(reading.records, ElementsAreArray({Tag(0x0102030405060708, 0xa1a2a3a4a5a6a7a8)}));
  EXPECT_FALSE(journal->usable()) << "to be written anew, as the version that knows free places";
}

// The format on disk, version 3 (docs/format.md). If this fails, old journals cannot be read.
TEST_F(JournalTest, BytesOfVersionThree) {
  auto journal = Make();
  const StoreMark mark{.sequence = 0x99, .gone = 0x21, .logs = {0x22, 0x1023}};
  ASSERT_OK(journal->Rewrite({.number_bound = 0x1122334455667788, .mark = mark}, Holding({})));
  ASSERT_OK(
      journal->Append(std::vector{Tag(0x0102030405060708, 0xa1a2a3a4a5a6a7a8)}, journal->header()));
  const std::string bytes = files_.Read(kPath);
  const std::string logs =
      "210000000000000022000000000000002310000000000000" + std::string(224, '0');
  EXPECT_EQ(Hex(bytes.substr(0, 192)),
            "4c44524a524e4c310300000000000000020000000000000088776655"
            "4433221199000000000000000500000000000000" +
                logs + "31a3be6aaa80ebfa");
  EXPECT_EQ(Hex(bytes.substr(4096, 192)),
            "4c44524a524e4c310300000000000000010000000000000088776655"
            "4433221199000000000000000500000000000000" +
                logs + "2eaea0794cf6c961");
  EXPECT_EQ(Hex(bytes.substr(8192, 32)),
            "0807060504030201a8a7a6a5a4a3a2a1"
            "01000000000000009428b82342890039");
  EXPECT_EQ(Hex(bytes.substr(8224, 32)),
            "0000000000000000000000000000000000000000000000005b5b06b973220100")
      << "a free place";
}

// Its header says nothing of logs.
TEST_F(JournalTest, VersionTwoIsReadAndNotWrittenTo) {
  ASSERT_OK(Make()->Rewrite({.number_bound = 9}, Holding({Tag(3, 33)})));
  std::string bytes = files_.Read(kPath);
  bytes.replace(0, 192,
                Unhex("4c44524a524e4c310200000000000000020000000000000088776655"
                      "4433221199000000000000000500000000000000d74b60c20667a956") +
                    std::string(136, '\0'));
  bytes.replace(4096, 192,
                Unhex("4c44524a524e4c310200000000000000010000000000000088776655"
                      "4433221199000000000000000500000000000000a7bf7c1a0449b33a") +
                    std::string(136, '\0'));
  bytes.resize(8192 + 5 * 32);
  files_.Write(kPath, bytes);
  auto journal = Make();
  const Reading reading = ReadBack(*journal);
  EXPECT_THAT(reading.contents.damage, IsEmpty());
  EXPECT_EQ(reading.contents.header, (JournalHeader{0x1122334455667788, {.sequence = 0x99}}));
  EXPECT_THAT(reading.records, ElementsAreArray({Tag(3, 33)}));
  EXPECT_FALSE(journal->usable()) << "to be written anew";
}

TEST_F(JournalTest, BytesOfPrefixesAndSoftInvalidations) {
  auto journal = Make();
  ASSERT_OK(journal->Rewrite({.number_bound = 9}, Holding({})));
  const std::vector<JournalRecord> records = {
      {.number = 4, .kind = JournalKind::kPrefix, .prefix = "ten bytes!"},
      {.number = 5,
       .value = 7,
       .kind = JournalKind::kSoftTag,
       .time = TimePoint(Duration(0x0102030405))}};
  ASSERT_OK(journal->Append(records, journal->header()));
  const std::string bytes = files_.Read(kPath);
  EXPECT_EQ(Hex(bytes.substr(8192, 32)),
            "04000000000000000a00000000000000"
            "03000000000000007a58bdc9c73eaa09");
  EXPECT_EQ(Hex(bytes.substr(8224, 32)),
            "040000000000000074656e2062797465"
            "0700000000000000b8fdf3320b08b335");
  EXPECT_EQ(Hex(bytes.substr(8256, 32)),
            "04000000000000007321000000000000"
            "0700000000000000c6a950acedfda49c");
  EXPECT_EQ(Hex(bytes.substr(8288, 32)),
            "05000000000000000700000000000000"
            "0405040302010000d9cb591eba84dd08");
}

}  // namespace
}  // namespace larder
