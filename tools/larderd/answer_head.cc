#include "answer_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace larder::gateway {
namespace {

using client::EqualsIgnoreCase;

constexpr std::pair<int, std::string_view> kReasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {529, "Overloaded"},
};

bool IsFraming(std::string_view name) {
  static constexpr std::string_view kNames[] = {"connection", "content-length", "transfer-encoding",
                                                "keep-alive", "trailer",        "upgrade"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [name](std::string_view own) { return EqualsIgnoreCase(name, own); });
}

void AddField(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ");
  const std::size_t begin = out.size();
  out.append(value);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
      [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }, ' ');
  out.append("\r\n");
}

// IMF-fixdate; by hand, for strftime follows the locale.
std::string HttpDate(std::time_t now) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  gmtime_r(&now, &parts);
  const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return std::string(kDays.at(static_cast<std::size_t>(parts.tm_wday))) + ", " +
         two(parts.tm_mday) + " " + kMonths.at(static_cast<std::size_t>(parts.tm_mon)) + " " +
         std::to_string(1900 + parts.tm_year) + " " + two(parts.tm_hour) + ":" + two(parts.tm_min) +
         ":" + two(parts.tm_sec) + " GMT";
}

void AddDate(std::time_t now, std::string& out) {
  // One string a thread and second.
  thread_local std::time_t written = 0;
  thread_local std::string text;
  if (written != now || text.empty()) {
    text = HttpDate(now);
    written = now;
  }
  AddField("date", text, out);
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  const auto* found = std::find_if(std::begin(kReasons), std::end(kReasons),
                                   [status](const auto& reason) { return reason.first == status; });
  return found == std::end(kReasons) ? std::string_view() : found->second;
}

std::string WriteHead(const AnswerHead& head, const HeadFraming& framing, std::time_t now) {
  std::string out;
  out.reserve(512);
  out.append("HTTP/1.1 ").append(std::to_string(head.status)).append(" ");
  out.append(ReasonPhrase(head.status)).append("\r\n");
  bool has_date = false;
  for (const client::Header& field : head.headers) {
    if (IsFraming(field.name)) continue;
    has_date = has_date || EqualsIgnoreCase(field.name, "date");
    AddField(field.name, field.value, out);
  }
  if (!has_date) AddDate(now, out);
  if (framing.chunked) AddField("transfer-encoding", "chunked", out);
  if (framing.content_length) {
    AddField("content-length", std::to_string(*framing.content_length), out);
  }
  if (!framing.keep_alive) {
    AddField("connection", "close", out);
  } else if (framing.http10) {
    AddField("connection", "keep-alive", out);
  }
  out.append("\r\n");
  return out;
}

std::optional<std::uint64_t> ContentLength(const client::Headers& headers) {
  const std::string* value = headers.Find("content-length");
  if (value == nullptr) return std::nullopt;
  std::uint64_t length = 0;
  const char* const end = value->data() + value->size();
  const auto [rest, error] = std::from_chars(value->data(), end, length);
  if (error != std::errc() || rest != end) return std::nullopt;
  return length;
}

}  // namespace larder::gateway
