// BodyFields: the text, numbers and truth values that a request's body has under given names.
//
// One pass that keeps nothing else, so that a body of millions of values, or of brackets alone,
// costs no more than a few times its own bytes: who looks at a field has not checked yet what it is
// a field of.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace larder::client {

// By name; "a.b" is b in the object a. Null where there is none, or an array, object or null.
using BodyFields = std::map<std::string, nlohmann::json, std::less<>>;

// Fills in the values of `fields`, by their names; all stay null if `body` is not JSON. Of a name
// that is there twice, the last counts.
void ReadBodyFields(std::string_view body, BodyFields& fields);

}  // namespace larder::client
