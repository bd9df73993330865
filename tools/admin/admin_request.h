// AdminRequest, AdminAnswer: one exchange of the admin API, however it travels.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder::admin {

struct AdminRequest {
  std::string method = {};  // "GET", "PUT", "POST", "PATCH", "DELETE"
  std::string path = {};    // "/v1/entries/a2V5", without query
  std::multimap<std::string, std::string> query = {};
  std::string body = {};  // JSON, or of PUT the value, or empty
  // It may take hours: the answer is waited for as long as the other side lives.
  bool is_slow = false;

  // The first value of a parameter, or empty.
  std::string Query(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
  }
};

struct AdminAnswer {
  int http_status = 200;
  std::string content_type = {};
  std::string body = {};
};

// `{"error": {"code": "not found", "message": "..."}}` with the HTTP status of the code.
AdminAnswer ErrorAnswer(const Status& status);
// The body of an answer, or the Status that an ErrorAnswer was made from.
Result<std::string> BodyOrError(AdminAnswer answer);

}  // namespace larder::admin
