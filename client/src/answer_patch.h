// AnswerPatch: makes a conversion exact where a dialect's events cannot say all of an answer.
//
// What events cannot say (a choice without an index, a call that has a member `index` of its own,
// ...) is told by a JSON Patch (RFC 6902) in one of them, from what they say to the answer that
// they were made of. Clients do not look at a member that they do not know.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "larder/status.h"

namespace larder::client {

// The top-level member of an event's data that holds the patch.
inline constexpr const char* kPatchMember = "larder_patch";

// Applies `patch`, each step against what the ones before it made. It comes from whoever sends a
// stream, so only steps of the kind that AddPatch writes are taken. Null does nothing.
// Errors: kDataLoss (it does not fit).
Status ApplyPatch(const nlohmann::json& patch, nlohmann::json& answer);

// Adds the patch from `said` to `answer` to `data`, the text of an object that is not empty;
// nothing where they are equal.
void AddPatch(const nlohmann::json& said, const nlohmann::json& answer, std::string& data);

}  // namespace larder::client
