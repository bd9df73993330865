#include "larder/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "larder/result.h"

namespace larder {
namespace {

TEST(StatusTest, DefaultIsOk) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status(), Status::Ok());
  EXPECT_EQ(Status().ToString(), "ok");
}

TEST(StatusTest, AnErrorNamesItsCodeAndMessage) {
  const Status status(StatusCode::kDataLoss, "bad checksum");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "bad checksum");
  EXPECT_EQ(status.ToString(), "data loss: bad checksum");
}

TEST(StatusTest, ContextComesBeforeTheMessageAndKeepsTheCode) {
  const Status status =
      Status(StatusCode::kUnavailable, "lock held").WithContext("open store").WithContext("start");
  EXPECT_EQ(status.ToString(), "unavailable: start: open store: lock held");
  EXPECT_TRUE(Status().WithContext("open store").ok());
}

TEST(StatusTest, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(StatusCode::kInternal) + 1);
  EXPECT_EQ(names.count("unknown"), 0U);
}

TEST(ResultTest, HoldsAValueOrAStatus) {
  const Result<int> value = 42;
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, 42);
  EXPECT_TRUE(value.status().ok());
  const Result<int> error = Status(StatusCode::kNotFound, "no such key");
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(error.status().ToString(), "not found: no such key");
}

TEST(ResultTest, GivesUpAMoveOnlyValue) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

}  // namespace
}  // namespace larder
