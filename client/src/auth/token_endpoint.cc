#include "auth/token_endpoint.h"

#include <algorithm>
#include <chrono>

#include "curl_http_service.h"
#include "curl_request.h"
#include "http_date.h"

namespace larder::client {
namespace {

constexpr std::size_t kMostAnswerBytes = 256 << 10;

Timeouts EndpointTimeouts() {
  using std::chrono::seconds;
  return {
      .connect = seconds(5), .first_byte = seconds(20), .idle = seconds(10), .total = seconds(30)};
}

boost::asio::awaitable<Result<std::string>> ReadAnswer(BodyReader& body) {
  std::string text;
  while (true) {
    const Result<SharedBytes> piece = co_await body.Read();
    if (!piece.ok()) co_return piece.status();
    if (piece->empty()) co_return text;
    text += piece->view();
    if (text.size() > kMostAnswerBytes) {
      co_return Status(StatusCode::kUnavailable, "its answer is over 256 KiB");
    }
  }
}

boost::asio::awaitable<TokenAnswer> Ask(HttpService& http, Request request) {
  Result<Response> response = co_await http.Send(std::move(request));
  if (!response.ok()) co_return TokenAnswer{response.status()};
  Result<std::string> body = co_await ReadAnswer(*response->body);
  if (!body.ok()) co_return TokenAnswer{body.status()};
  TokenAnswer answer{ParseTokenAnswer(response->head.status, *body)};
  WipeText(*body);
  const std::string* date = response->head.headers.Find("date");
  if (date != nullptr) answer.date = ParseHttpDate(*date);
  co_return answer;
}

}  // namespace

std::string FormEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '*';
    if (plain) encoded += c;
    if (c == ' ') encoded += '+';
    if (plain || c == ' ') continue;
    encoded += '%';
    encoded += kHex[static_cast<unsigned char>(c) >> 4];
    encoded += kHex[static_cast<unsigned char>(c) & 15];
  }
  return encoded;
}

SplitUrl SplitTokenUrl(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t from = scheme == url.npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?", from), url.size());
  SplitUrl split{std::string(url.substr(0, end)), std::string(url.substr(end))};
  if (!split.target.starts_with('/')) split.target.insert(0, "/");
  return split;
}

boost::asio::awaitable<TokenAnswer> AskForToken(boost::asio::io_context& io, std::string url,
                                                FormFields fields, Headers headers) {
  const SplitUrl split = SplitTokenUrl(url);
  Status usable = CheckBaseUrl(split.base);
  if (usable.ok() && !split.base.starts_with("https://") && !IsLoopback(split.base)) {
    usable = Status(StatusCode::kUnavailable, "secrets go over https only");
  }
  if (!usable.ok()) co_return TokenAnswer{usable.WithContext(split.base)};
  Request request;
  request.target = split.target;
  request.headers = std::move(headers);
  request.headers.Set("content-type", "application/x-www-form-urlencoded");
  request.headers.Set("accept", "application/json");
  request.repeatable = true;
  for (const auto& [name, value] : fields) {
    request.body += (request.body.empty() ? "" : "&") + name + "=" + FormEncode(value);
  }
  CurlHttpService http(io, {.base_url = split.base}, EndpointTimeouts());
  TokenAnswer answer = co_await Ask(http, std::move(request));
  if (!answer.token.ok()) answer.token = answer.token.status().WithContext(split.base);
  co_return answer;
}

}  // namespace larder::client
