#include "admin_request.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace larder::admin {
namespace {

using nlohmann::json;

struct CodeStatus {
  StatusCode code;
  int http_status;
};

constexpr CodeStatus kHttpStatuses[] = {
    {StatusCode::kInvalidArgument, 400},   {StatusCode::kNotFound, 404},
    {StatusCode::kResourceExhausted, 507}, {StatusCode::kDeadlineExceeded, 504},
    {StatusCode::kCancelled, 503},         {StatusCode::kDataLoss, 500},
    {StatusCode::kUnavailable, 503},       {StatusCode::kInternal, 500},
};

}  // namespace

AdminAnswer ErrorAnswer(const Status& status) {
  AdminAnswer answer{.http_status = 500, .content_type = "application/json"};
  for (const CodeStatus& known : kHttpStatuses) {
    if (known.code == status.code()) answer.http_status = known.http_status;
  }
  const json body = {
      {"error", {{"code", StatusCodeName(status.code())}, {"message", status.message()}}}};
  answer.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return answer;
}

Result<std::string> BodyOrError(AdminAnswer answer) {
  if (answer.http_status / 100 == 2) return std::move(answer.body);
  const json body = json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_object() && body.contains("error") && body["error"].is_object()) {
    const std::string name = body["error"].value("code", "");
    const std::string message = body["error"].value("message", "");
    for (const CodeStatus& known : kHttpStatuses) {
      if (StatusCodeName(known.code) == name) return Status(known.code, message);
    }
  }
  return Status(StatusCode::kUnavailable, "not an answer of larder's admin API (status " +
                                              std::to_string(answer.http_status) + ")");
}

}  // namespace larder::admin
