#include "answer_patch.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "answer_json.h"

namespace larder::client {
namespace {

using nlohmann::json;

Status UnfitPatch() {
  return {StatusCode::kDataLoss, std::string(kPatchMember) + " does not fit its answer"};
}

// Of paths and of values; deeper ones are nothing that events cannot say.
constexpr std::ptrdiff_t kMaxPatchDepth = 64;

bool IsWithinDepth(const json& value, std::ptrdiff_t depth) {
  if (!value.is_structured()) return true;
  return depth > 0 && std::all_of(value.begin(), value.end(), [depth](const json& inner) {
           return IsWithinDepth(inner, depth - 1);
         });
}

// "copy" and "move" could double an answer sixteen times over, and an operation below a scalar is
// an assertion of the library's.
bool IsSafeStep(const json& answer, const json& step) {
  const std::string_view operation = StringMember(step, "op");
  const std::string path(StringMember(step, "path"));
  if (operation != "add" && operation != "remove" && operation != "replace") return false;
  if (!path.starts_with('/') || std::count(path.begin(), path.end(), '/') > kMaxPatchDepth) {
    return false;
  }
  const json* value = FindMember(step, "value");
  if (value != nullptr && !IsWithinDepth(*value, kMaxPatchDepth)) return false;
  const json::json_pointer parent = json::json_pointer(path).parent_pointer();
  return answer.contains(parent) && answer[parent].is_structured();
}

}  // namespace

Status ApplyPatch(const json& patch, json& answer) {
  if (patch.is_null()) return Status::Ok();
  try {
    for (const json& step : patch) {
      if (!IsSafeStep(answer, step)) return UnfitPatch();
      answer.patch_inplace(json::array({step}));
    }
  } catch (const json::exception&) {
    return UnfitPatch();
  }
  return Status::Ok();
}

void AddPatch(const json& said, const json& answer, std::string& data) {
  if (said == answer) return;
  data.pop_back();
  data += ",\"" + std::string(kPatchMember) + "\":" + DumpJson(json::diff(said, answer)) + "}";
}

}  // namespace larder::client
