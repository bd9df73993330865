#include "auth/token.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ascii.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Longer than any header field that servers accept.
constexpr std::size_t kMostTokenBytes = 64 << 10;
constexpr Duration kLongestLife = std::chrono::hours(10 * 365 * 24);

Status Bad(std::string message) { return {StatusCode::kUnavailable, std::move(message)}; }

// The text of a member, or nullptr.
const std::string* TextOf(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (!object.is_object() || found == object.end() || !found->is_string()) return nullptr;
  return found->get_ptr<const std::string*>();
}

// `expires_in` in seconds: a number, or a number as text, as some servers have it.
std::optional<Duration> LifetimeOf(const json& answer) {
  const auto found = answer.find("expires_in");
  if (found == answer.end() || found->is_null()) return kForever;
  double seconds = -1;
  if (found->is_number()) seconds = found->get<double>();
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  }
  if (!std::isfinite(seconds) || seconds < 0) return std::nullopt;
  const double milliseconds = std::min(seconds * 1000, static_cast<double>(kLongestLife.count()));
  return Duration(static_cast<Duration::rep>(milliseconds));
}

// RFC 3339 in UTC, as Kubernetes writes times: "2026-01-31T12:00:00Z", with or without a fraction.
std::optional<TimePoint> ParseUtc(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr) return std::nullopt;
  if (*end == '.') {
    ++end;
    while (*end >= '0' && *end <= '9') ++end;
  }
  if (std::string_view(end) != "Z" && std::string_view(end) != "+00:00") return std::nullopt;
  return TimePoint(std::chrono::seconds(::timegm(&parts)));
}

Result<Token> TokenOf(const std::string& text, Duration lifetime) {
  if (text.empty() || text.size() > kMostTokenBytes || !IsTokenText(text)) {
    return Bad("the token is empty, over 64 KiB, or holds what cannot stand in a header field");
  }
  return Token{SecretText(text), lifetime};
}

// An OAuth error code has no secret in it; anything else might.
std::string ErrorCode(const json& answer) {
  const std::string* code = TextOf(answer, "error");
  const bool plain =
      code != nullptr && code->size() <= 64 &&
      std::ranges::all_of(*code, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return plain ? " (" + *code + ")" : "";
}

Result<Token> ParseJsonToken(const json& answer) {
  const std::string* text = TextOf(answer, "access_token");
  if (text == nullptr) text = TextOf(answer, "token");
  if (text == nullptr) return Bad("JSON without an access_token");
  const std::string* type = TextOf(answer, "token_type");
  if (type != nullptr && LowerAscii(*type) != "bearer")
    return Bad("a token that is not a bearer's");
  const std::optional<Duration> lifetime = LifetimeOf(answer);
  if (!lifetime) return Bad("an expires_in that is no number of seconds");
  return TokenOf(*text, *lifetime);
}

Result<Token> ParseExecCredential(const json& status, TimePoint now) {
  const std::string* text = TextOf(status, "token");
  if (text == nullptr) return Bad("JSON without status.token");
  if (!status.contains("expirationTimestamp")) return TokenOf(*text, kForever);
  const std::string* end = TextOf(status, "expirationTimestamp");
  const std::optional<TimePoint> time = end == nullptr ? std::nullopt : ParseUtc(*end);
  if (!time) return Bad("an expirationTimestamp that is no time such as 2026-01-31T12:00:00Z");
  return TokenOf(*text, std::clamp(*time - now, Duration(0), kLongestLife));
}

}  // namespace

bool IsTokenText(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<Token> ParseTokenAnswer(int status, std::string_view body) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (status != 200) return Bad("it answered " + std::to_string(status) + ErrorCode(answer));
  if (!answer.is_object()) return Bad("it answered something that is no JSON object");
  if (TextOf(answer, "access_token") == nullptr) return Bad("it answered without an access_token");
  return ParseJsonToken(answer);
}

Result<Token> ParsePrintedToken(std::string_view text, TimePoint now) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  text = TrimBlanks(text);
  if (!text.starts_with('{')) return TokenOf(std::string(text), kForever);
  const json answer = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return Bad("what looks like JSON and is none");
  const auto credential = answer.find("status");
  if (credential != answer.end()) return ParseExecCredential(*credential, now);
  return ParseJsonToken(answer);
}

}  // namespace larder::client
