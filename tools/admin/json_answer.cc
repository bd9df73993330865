#include "json_answer.h"

#include <utility>

namespace larder::admin {

AdminAnswer JsonAnswer(const nlohmann::ordered_json& body) {
  return {.http_status = 200,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

AdminAnswer InvalidAnswer(std::string message) {
  return ErrorAnswer({StatusCode::kInvalidArgument, std::move(message)});
}

AdminAnswer NotInApi(const AdminRequest& request) {
  AdminAnswer answer =
      InvalidAnswer(request.method + " " + request.path + " is not in the admin API");
  answer.http_status = 404;
  return answer;
}

}  // namespace larder::admin
