#include "guarded_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace larder {
namespace {

TEST(GuardedLogTest, LineLoggedFromWithinTheFunctionComesAfterIt) {
  std::vector<std::string> lines;
  GuardedLog* self = nullptr;
  GuardedLog log([&](LogLevel level, std::string_view line) {
    if (line == "first") self->Write(level, "second");
    lines.emplace_back(line);
  });
  self = &log;
  log.Write(LogLevel::kInfo, "first");
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second"}));
}

TEST(GuardedLogTest, FunctionThatHangsHoldsUpNobodyElse) {
  std::promise<void> hangs;
  std::promise<void> go_on;
  std::vector<std::string> lines;
  std::atomic<int> inside{0};
  GuardedLog log([&](LogLevel, std::string_view line) {
    EXPECT_EQ(inside.fetch_add(1), 0) << "one call at a time";
    if (line == "slow") {
      hangs.set_value();
      go_on.get_future().wait();
    }
    lines.emplace_back(line);
    inside.fetch_sub(1);
  });
  std::thread slow([&] { log.Write(LogLevel::kInfo, "slow"); });
  hangs.get_future().wait();
  log.Write(LogLevel::kInfo, "from another thread");  // returns
  go_on.set_value();
  slow.join();
  EXPECT_EQ(lines, (std::vector<std::string>{"slow", "from another thread"}));
}

TEST(GuardedLogTest, WhatASlowFunctionCannotTakeIsDroppedAndSaid) {
  std::vector<std::string> lines;
  GuardedLog* self = nullptr;
  GuardedLog log([&](LogLevel level, std::string_view line) {
    if (lines.empty()) {
      for (std::size_t i = 0; i < GuardedLog::kMostLines + 5; ++i) self->Write(level, "more");
    }
    lines.emplace_back(line);
  });
  self = &log;
  log.Write(LogLevel::kInfo, "first");
  ASSERT_EQ(lines.size(), 1 + GuardedLog::kMostLines + 1);
  EXPECT_EQ(lines.at(2), "5 lines were dropped: the log is slow");
}

TEST(GuardedLogTest, MutedFunctionIsNotCalledAnyMore) {
  int calls = 0;
  GuardedLog* self = nullptr;
  GuardedLog log([&](LogLevel level, std::string_view) {
    ++calls;
    self->Mute();  // by who it is called; does not wait for itself
    self->Write(level, "not this");
    throw std::runtime_error("not let out");
  });
  self = &log;
  log.Write(LogLevel::kInfo, "once");
  log.Write(LogLevel::kInfo, "nor this");
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace larder
