#include "gunzip.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

using std::string_literals::operator""s;

// By Python's gzip, without and with the name of a file.
const std::string kText = "hello hello hello hello\n";
const std::string kPlain =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x57"
    "\xc8\x40\x27\xb9\x00\x00\x88\x59\x0b\x18\x00\x00\x00"s;
const std::string kNamed =
    "\x1f\x8b\x08\x08\x00\x00\x00\x00\x02\xff\x6e\x61\x6d\x65\x00\xcb"
    "\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00\x00\x88\x59\x0b\x18\x00"
    "\x00\x00"s;
const std::string kEmpty =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x03\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00"s;

TEST(GunzipTest, GivesWhatIsIn) {
  EXPECT_EQ(Gunzip(kPlain, 100), kText);
  EXPECT_EQ(Gunzip(kNamed, 100), kText);
  EXPECT_EQ(Gunzip(kEmpty, 0), "");
}

TEST(GunzipTest, WhatIsCutOrNoneGivesNothing) {
  for (std::size_t size = 0; size < kPlain.size(); ++size) {
    EXPECT_FALSE(Gunzip(kPlain.substr(0, size), 100)) << size;
    EXPECT_FALSE(Gunzip(kNamed.substr(0, size), 100)) << size;
  }
  EXPECT_FALSE(Gunzip(kText, 100));
  EXPECT_FALSE(Gunzip(kPlain + kPlain, 100)) << "two members";
}

TEST(GunzipTest, AWrongLengthGivesNothing) {
  std::string wrong = kPlain;
  wrong[wrong.size() - 4] ^= 1;
  EXPECT_FALSE(Gunzip(wrong, 100));
}

TEST(GunzipTest, MoreThanIsAllowedGivesNothing) {
  EXPECT_TRUE(Gunzip(kPlain, kText.size()));
  EXPECT_FALSE(Gunzip(kPlain, kText.size() - 1));
}

}  // namespace
}  // namespace larder::client
