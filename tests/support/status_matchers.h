// ASSERT_OK, EXPECT_OK, IsOk, StatusIs: for a Status or a Result.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "larder/result.h"
#include "larder/status.h"

namespace larder {

// Found by GoogleTest when it prints values.
inline void PrintTo(const Status& status, std::ostream* out) { *out << status.ToString(); }
inline void PrintTo(StatusCode code, std::ostream* out) { *out << StatusCodeName(code); }
template <typename T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  *out << result.status().ToString();
}

}  // namespace larder

namespace larder::testing {

inline Status StatusOf(const Status& status) { return status; }
template <typename T>
Status StatusOf(const Result<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is ok") {
  *result_listener << StatusOf(arg).ToString();
  return arg.ok();
}

MATCHER_P(StatusIs, code, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message, "") {
  const Status status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, status.message(), result_listener);
}

}  // namespace larder::testing

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::larder::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::larder::testing::IsOk())
