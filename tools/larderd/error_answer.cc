#include "error_answer.h"

#include <nlohmann/json.hpp>

namespace larder::gateway {
namespace {

using Json = nlohmann::ordered_json;

std::string_view OpenAiType(int status) {
  if (status == 404) return "not_found_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

std::string_view AnthropicType(int status) {
  switch (status) {
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 503: return "overloaded_error";
    case 504: return "timeout_error";
    default: return status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

int ToHttpStatus(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return 200;
    case StatusCode::kInvalidArgument: return 400;
    case StatusCode::kNotFound: return 404;
    case StatusCode::kResourceExhausted: return 503;
    case StatusCode::kDeadlineExceeded: return 504;
    case StatusCode::kCancelled:
    case StatusCode::kDataLoss:
    case StatusCode::kUnavailable: return 502;
    case StatusCode::kInternal: return 500;
  }
  return 500;
}

std::string ErrorJson(std::string_view dialect, int status, std::string_view message) {
  Json body;
  if (dialect == "anthropic") {
    body["type"] = "error";
    body["error"] = {{"type", AnthropicType(status)}, {"message", message}};
  } else {
    body["error"] = {
        {"message", message}, {"type", OpenAiType(status)}, {"param", nullptr}, {"code", nullptr}};
  }
  // What a caller sent may be quoted and need not be UTF-8.
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

AnswerHead ErrorHead(int status) {
  AnswerHead head{status, {{"content-type", "application/json"}}};
  // Overload passes; anything else stays as it is however often it is tried.
  if (status == 503)
    head.headers.Add("retry-after", "1");
  else
    head.headers.Add("x-should-retry", "false");
  return head;
}

}  // namespace larder::gateway
