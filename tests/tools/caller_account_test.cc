#include "caller_account.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "callers.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::gateway {
namespace {

using larder::testing::HasCode;
using larder::testing::TempDir;
using namespace std::chrono_literals;

constexpr CallerAccount::Instant kBegin{std::chrono::hours(1)};

TEST(CallerAccountTest, RateIsABurstOfAMinuteThatFillsUpEvenly) {
  CallerAccount account;
  EXPECT_FALSE(account.Take(2, kBegin));
  EXPECT_FALSE(account.Take(2, kBegin));
  EXPECT_EQ(account.Take(2, kBegin), 30s);
  EXPECT_EQ(account.Take(2, kBegin + 29s), 1s);
  EXPECT_FALSE(account.Take(2, kBegin + 30s));
  EXPECT_EQ(account.Take(2, kBegin + 30s), 30s);
  EXPECT_FALSE(account.Take(2, kBegin + 10min));
  EXPECT_FALSE(account.Take(2, kBegin + 10min));
  EXPECT_TRUE(account.Take(2, kBegin + 10min)) << "no more than a minute's is kept";
}

TEST(CallerAccountTest, WithoutARateAnyNumberGoes) {
  CallerAccount account;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(account.Take(0, kBegin));
}

TEST(CallerAccountTest, SpendingCountsForItsDayOnly) {
  CallerAccount account;
  account.Spend(5, 100);
  account.Spend(6, 100);
  EXPECT_EQ(account.Spent(100), 11U);
  EXPECT_EQ(account.Spent(101), 0U);
  account.Spend(1, 101);
  EXPECT_EQ(account.Spent(101), 1U);
  account.Spend(1, 100);
  EXPECT_EQ(account.Spent(100), 2U) << "a clock put back gives nothing back";
}

TEST(CallerAccountTest, ClockThatWasAheadOnceKeepsNobodyOutForGood) {
  CallerAccount account;
  account.Spend(5, 20'000);
  account.Spend(6, 90'000);
  EXPECT_EQ(account.Spent(20'000), 6U) << "what was spent last is not given back";
  EXPECT_EQ(account.Spent(20'001), 0U);
}

TEST(CallerAccountsTest, SpendingOfTheDaySurvivesARestart) {
  TempDir dir;
  const std::string file = dir / "spending";
  CallerAccounts accounts;
  accounts.Of("a")->Spend(7, 100);
  EXPECT_EQ(accounts.Of("a"), accounts.Of("a"));
  ASSERT_OK(accounts.Save(file, 100));
  CallerAccounts again;
  ASSERT_OK(again.Load(file, 100));
  EXPECT_EQ(again.Of("a")->Spent(100), 7U);
  CallerAccounts next_day;
  ASSERT_OK(next_day.Load(file, 101));
  EXPECT_EQ(next_day.Of("a")->Spent(101), 0U);
}

TEST(CallerAccountsTest, AnothersFileIsLeftAloneWhereTheFolderWasReplaced) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "cache");
  const std::string file = dir / "cache/spending";
  CallerAccounts accounts;
  ASSERT_OK(accounts.Load(file, 7));
  accounts.Of("ci")->Spend(100, 7);
  std::filesystem::rename(dir / "cache", dir / "moved");
  std::filesystem::create_directory(dir / "cache");
  EXPECT_THAT(accounts.Save(file, 7), HasCode(StatusCode::kInternal));
  EXPECT_FALSE(std::filesystem::exists(file));
  std::filesystem::remove(dir / "cache");
  std::filesystem::rename(dir / "moved", dir / "cache");
  EXPECT_OK(accounts.Save(file, 7));
}

TEST(CallerAccountsTest, FileThatIsDamagedSaysNothing) {
  TempDir dir;
  CallerAccounts accounts;
  for (const char* text :
       {"", "{", "[]", R"({"day":100})", R"({"day":100,"spent_microusd":[1]})",
        R"({"day":100,"spent_microusd":{"a":-1}})", R"({"day":100,"spent_microusd":7})"}) {
    std::ofstream(dir / "spending") << text;
    EXPECT_OK(accounts.Load(dir / "spending", 100));
    EXPECT_EQ(accounts.Of("a")->Spent(100), 0U) << text;
  }
}

TEST(CallerAccountsTest, FileThatCannotBeReadNowIsNamedAndReadLater) {
  TempDir dir;
  const std::string file = dir / "later/spending";
  CallerAccounts accounts;
  EXPECT_EQ(accounts.Load(file, 100).code(), StatusCode::kInternal) << "its folder is not there";
  std::filesystem::create_directories(file);
  const Status status = accounts.Load(file, 100);
  EXPECT_EQ(status.code(), StatusCode::kInternal) << "it is a folder";
  EXPECT_NE(status.message().find("/spending"), std::string::npos) << status.message();
  std::filesystem::remove(file);
  EXPECT_OK(accounts.Load(file, 100)) << "nothing was spent";
  accounts.Of("a")->Spend(1, 100);
  std::ofstream(file) << R"({"day":100,"spent_microusd":{"a":7}})";
  EXPECT_OK(accounts.Load(file, 100));
  EXPECT_EQ(accounts.Of("a")->Spent(100), 8U) << "with what was spent since";
}

TEST(CallersTest, KeyIsFoundWhereverSdksPutItAndTakenOut) {
  tools::CallerConfig config;
  config.name = "app";
  // SHA-256 of "k".
  config.key_sha256 = {0x82, 0x54, 0xc3, 0x29, 0xa9, 0x28, 0x50, 0xf6, 0xd5, 0x39, 0xdd,
                       0x37, 0x6f, 0x48, 0x16, 0xee, 0x27, 0x64, 0x51, 0x7d, 0xa5, 0xe0,
                       0x23, 0x55, 0x14, 0xaf, 0x43, 0x31, 0x64, 0x48, 0x0d, 0x7a};
  CallerAccounts accounts;
  const Callers callers({config}, accounts);
  for (client::Headers headers :
       {client::Headers{{"Authorization", "Bearer k"}},
        client::Headers{{"authorization", "bearer  k"}}, client::Headers{{"X-Api-Key", "k"}},
        client::Headers{{"api-key", "k"}},
        client::Headers{{"authorization", "Bearer x"}, {"api-key", "k"}}}) {
    const Caller* caller = callers.Identify(headers);
    ASSERT_NE(caller, nullptr);
    EXPECT_EQ(caller->config.name, "app");
    for (const client::Header& field : headers) EXPECT_EQ(field.value, "Bearer x");
  }
  for (client::Headers headers :
       {client::Headers{}, client::Headers{{"authorization", "Bearer kk"}},
        client::Headers{{"authorization", ""}}, client::Headers{{"cookie", "k"}}}) {
    EXPECT_EQ(callers.Identify(headers), nullptr);
  }
}

}  // namespace
}  // namespace larder::gateway
