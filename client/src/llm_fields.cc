#include "llm_fields.h"

#include <algorithm>
#include <utility>

#include "answer_json.h"

namespace larder::client {
namespace {

// nlohmann's update() throws where an object meets something else.
void Merge(const LlmJson& more, LlmJson& object) {
  for (const auto& [name, value] : more.items()) {
    const auto there = object.find(name);
    if (value.is_object() && there != object.end() && there->is_object()) {
      Merge(value, *there);
    } else {
      object[name] = value;
    }
  }
}

}  // namespace

std::string LlmFields::Text(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end() || !found->is_string()) return "";
  std::string text = found->get<std::string>();
  object_.erase(found);
  return text;
}

std::string LlmFields::Word(const char* name) {
  return LlmView(object_, name).empty() ? "" : Text(name);
}

LlmJson LlmFields::Structure(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end() || !found->is_structured()) return nullptr;
  LlmJson taken = std::move(*found);
  object_.erase(found);
  return taken;
}

std::vector<LlmJson> LlmFields::Objects(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end() || !found->is_array() || found->empty()) return {};
  const auto is_object = [](const LlmJson& item) { return item.is_object(); };
  if (!std::all_of(found->begin(), found->end(), is_object)) return {};
  return Structure(name).get<std::vector<LlmJson>>();
}

std::vector<std::string> LlmFields::Words(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end() || !found->is_array() || found->empty()) return {};
  const auto is_text = [](const LlmJson& item) { return item.is_string(); };
  if (!std::all_of(found->begin(), found->end(), is_text)) return {};
  return Structure(name).get<std::vector<std::string>>();
}

std::optional<double> LlmFields::Number(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end() || !found->is_number()) return std::nullopt;
  const double number = found->get<double>();
  object_.erase(found);
  return number;
}

std::optional<std::int64_t> LlmFields::Integer(const char* name) {
  const auto found = object_.find(name);
  if (found == object_.end() || !found->is_number_integer()) return std::nullopt;
  const auto number = found->get<std::int64_t>();
  object_.erase(found);
  return number;
}

std::string LlmFields::Rest() const { return object_.empty() ? "" : LlmText(object_); }

Status AddExtra(const std::string& extra, LlmJson& object) {
  if (extra.empty()) return Status::Ok();
  const LlmJson more = LlmParse(extra);
  if (!more.is_object()) {
    return {StatusCode::kInvalidArgument, "`extra` is not the text of a JSON object"};
  }
  Merge(more, object);
  return Status::Ok();
}

void KeepWhole(const LlmJson& original, const Result<LlmJson>& written, std::string& extra) {
  if (!written.ok() || !SameJson(original, *written)) extra = LlmText(original);
}

LlmJson LlmParse(std::string_view text) {
  if (IsDeeperThan(text, kMaxAnswerDepth)) return LlmJson::value_t::discarded;
  return LlmJson::parse(text, nullptr, /*allow_exceptions=*/false);
}

Result<LlmJson> ParseLlmJson(std::string_view text, const char* what) {
  LlmJson json = LlmParse(text);
  if (!json.is_discarded()) return json;
  return Status(StatusCode::kInvalidArgument, std::string(what) + " is not JSON");
}

std::string LlmText(const LlmJson& json) {
  return json.dump(-1, ' ', false, LlmJson::error_handler_t::replace);
}

bool SameJson(const LlmJson& a, const LlmJson& b) { return nlohmann::json(a) == nlohmann::json(b); }

LlmJson LlmMember(const LlmJson& object, const char* name) {
  return object.is_object() ? object.value(name, LlmJson()) : LlmJson();
}

std::uint64_t LlmCount(const LlmJson& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto found = object.find(name);
  const bool number = found != object.end() && found->is_number_unsigned();
  return number ? found->get<std::uint64_t>() : 0;
}

std::string_view LlmView(const LlmJson& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

}  // namespace larder::client
