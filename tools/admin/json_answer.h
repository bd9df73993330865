// Answers of the admin API, made from JSON or from what is wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "admin_request.h"

namespace larder::admin {

// Bytes that are not UTF-8 come out as replacement characters.
AdminAnswer JsonAnswer(const nlohmann::ordered_json& body);
// 400.
AdminAnswer InvalidAnswer(std::string message);
// 404: there is no such method and path.
AdminAnswer NotInApi(const AdminRequest& request);

}  // namespace larder::admin
