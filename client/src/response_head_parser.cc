#include "response_head_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace larder::client {
namespace {

Status Refuse(std::string what) {
  return {StatusCode::kUnavailable, "refused the answer: " + std::move(what)};
}

bool IsTokenChar(unsigned char c) {
  constexpr std::string_view kPunctuation = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kPunctuation.find(static_cast<char>(c)) != std::string_view::npos;
}

bool IsValueChar(unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::vector<std::string> ValuesOf(const Headers& headers, std::string_view name) {
  std::vector<std::string> values;
  for (const Header& field : headers) {
    if (EqualsIgnoreCase(field.name, name)) values.push_back(field.value);
  }
  return values;
}

}  // namespace

Status ResponseHeadParser::AddLine(std::string_view line) {
  if (complete_) return Status::Ok();
  head_bytes_ += line.size();
  if (head_bytes_ > kMaxHeadBytes) {
    return Refuse("its head is over " + std::to_string(kMaxHeadBytes) + " bytes");
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (!started_) return AddStatusLine(line);
  if (line.empty()) return FinishHead();
  return AddField(line);
}

Status ResponseHeadParser::AddStatusLine(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (!line.starts_with("HTTP/") || space == std::string_view::npos || line.size() < space + 4) {
    return Refuse("its status line is not one");
  }
  const std::string_view digits = line.substr(space + 1, 3);
  int status = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  const bool longer = line.size() > space + 4 && line[space + 4] != ' ';
  if (error != std::errc() || end != digits.data() + digits.size() || status < 100 || longer) {
    return Refuse("its status is not a number of three digits");
  }
  head_ = ResponseHead{};
  head_.status = status;
  framed_by_stream_ = !line.starts_with("HTTP/1.");
  started_ = true;
  return Status::Ok();
}

Status ResponseHeadParser::AddField(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return Refuse("it has a folded header field");
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view() : Trim(line.substr(colon + 1));
  if (colon == std::string_view::npos || name.empty() ||
      !std::all_of(name.begin(), name.end(), IsTokenChar) ||
      !std::all_of(value.begin(), value.end(), IsValueChar)) {
    return Refuse("it has a malformed header field");
  }
  head_.headers.Add(std::string(name), std::string(value));
  return Status::Ok();
}

Status ResponseHeadParser::FinishHead() {
  if (head_.status == 101) return Refuse("it switches protocols unasked");
  if (head_.status < 200) {  // interim: another head follows
    started_ = false;
    return Status::Ok();
  }
  const std::vector<std::string> lengths = ValuesOf(head_.headers, "content-length");
  const std::vector<std::string> codings = ValuesOf(head_.headers, "transfer-encoding");
  if (lengths.size() > 1) return Refuse("it has more than one content-length");
  if (codings.size() > 1 || (codings.size() == 1 && !EqualsIgnoreCase(codings[0], "chunked"))) {
    return Refuse("its transfer-encoding is not just chunked");
  }
  if (!lengths.empty() && !codings.empty()) {
    return Refuse("it has both content-length and transfer-encoding");
  }
  const bool no_body = no_body_ || head_.status == 204 || head_.status == 304;
  if (!lengths.empty()) {
    const std::string& text = lengths.front();
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Refuse("its content-length is not a number");
    }
    body_bytes_ = length;
  }
  if (no_body) body_bytes_ = 0;
  head_.ends_by_close = !no_body && lengths.empty() && codings.empty() && !framed_by_stream_;
  head_.headers.RemoveHopByHop();
  complete_ = true;
  return Status::Ok();
}

}  // namespace larder::client
