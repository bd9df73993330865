// ASSERT_OK and friends, for Status and Result.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "larder/result.h"
#include "larder/status.h"

namespace larder {

// Found by GoogleTest when it prints a value.
inline void PrintTo(const Status& status, std::ostream* out) { *out << status.ToString(); }
inline void PrintTo(StatusCode code, std::ostream* out) { *out << StatusCodeName(code); }

}  // namespace larder

namespace larder::testing {

inline Status AsStatus(const Status& status) { return status; }
template <typename T>
Status AsStatus(const Result<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is ok") {
  *result_listener << AsStatus(arg).ToString();
  return AsStatus(arg).ok();
}
MATCHER_P(HasCode, code, "has code " + std::string(StatusCodeName(code))) {
  *result_listener << AsStatus(arg).ToString();
  return AsStatus(arg).code() == code;
}

}  // namespace larder::testing

#define ASSERT_OK(expression) ASSERT_THAT((expression), ::larder::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::larder::testing::IsOk())
