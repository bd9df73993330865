// SoakCall: one request of the soak, and whose it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "soak_answer.h"

namespace larder::testing {

using SoakClock = std::chrono::steady_clock;
using SoakTime = SoakClock::time_point;

// What an answer may be shared by: two calls of one identity may get the same, others never.
struct SoakIdentity {
  SoakDialect dialect = SoakDialect::kChat;
  std::uint8_t tenant = 0;
  std::uint8_t name_space = 0;  // 0: none
  std::uint8_t sample = 0;
  std::uint8_t model = 0;
  std::uint32_t prompt = 0;

  bool operator==(const SoakIdentity&) const = default;

  std::string Credential() const { return "tenant-" + std::to_string(tenant); }
  std::string ModelName() const;
  std::string PromptText() const { return "prompt " + std::to_string(prompt); }
  // For answers and findings: "messages/t3/n0/s1/swr/p17".
  std::string Text() const;
};

// Models, by what the configuration says of them.
inline constexpr const char* kSoakModels[] = {"plain", "swr", "sie"};
inline constexpr std::chrono::seconds kSoakStaleWindows[] = {
    std::chrono::seconds(0), std::chrono::seconds(3), std::chrono::seconds(20)};
inline constexpr std::chrono::seconds kSoakDefaultTtl{60};
inline constexpr int kSoakTags = 5;

struct SoakCall {
  SoakIdentity identity;
  SoakForm form;
  bool no_store = false;
  bool no_cache = false;
  bool only_if_cached = false;
  const char* how = "plain";  // it is made, for findings
  // A failure of it is looked at by who makes it.
  bool may_fail = false;
  std::optional<std::uint16_t> max_age_seconds = {};
  std::optional<std::uint16_t> ttl_seconds = {};
  std::uint8_t tags = 0;  // bit n: the tag "tag-n"
  SoakTime begin = {};
  // When its first attempt was at the upstream.
  std::optional<SoakTime> received = {};
};

inline std::string SoakIdentity::ModelName() const { return kSoakModels[model]; }

inline std::string SoakIdentity::Text() const {
  return std::string(dialect == SoakDialect::kChat ? "chat" : "messages") + "/t" +
         std::to_string(tenant) + "/n" + std::to_string(name_space) + "/s" +
         std::to_string(sample) + "/" + ModelName() + "/p" + std::to_string(prompt);
}

}  // namespace larder::testing
