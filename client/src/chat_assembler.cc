#include "chat_assembler.h"

#include <algorithm>
#include <string_view>

#include "answer_json.h"
#include "answer_patch.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Choices, and elements of a list that an index tells apart: each new one is compared with all that
// are there. No API gives as many.
constexpr std::size_t kMostTold = 1024;

// Strings that say what something is. Providers repeat them; none continues them.
bool IsRepeated(std::string_view name) {
  constexpr std::string_view kRepeated[] = {"role",    "id",     "type",  "format",
                                            "channel", "object", "model", "status"};
  return std::find(std::begin(kRepeated), std::end(kRepeated), name) != std::end(kRepeated);
}

// Whether `text` leaves nothing to continue, so that the same again is the same once more: a name,
// or arguments that are a complete object.
bool IsWhole(std::string_view name, std::string_view text) {
  return name == "name" || (name == "arguments" && text.starts_with('{') && json::accept(text));
}

// These tell whether what was added could be: false if it is too much.
bool MergeObjects(json& old, const json& added);

void MergeStrings(std::string_view name, json& old, const json& added) {
  auto& text = old.get_ref<std::string&>();
  const auto& more = added.get_ref<const std::string&>();
  if (more.empty()) return;
  if (IsRepeated(name)) {
    text = more;
  } else if (text != more || !IsWhole(name, text)) {
    text += more;
  }
}

// Whether `item` begins a call of its own although its index is taken: some providers give every
// call index 0.
bool IsOtherCall(const json& old, const json& item) {
  const std::string_view id = StringMember(item, "id");
  const std::string_view old_id = StringMember(old, "id");
  const json* function = FindMember(item, "function");
  return !id.empty() && !old_id.empty() && id != old_id && function != nullptr &&
         !StringMember(*function, "name").empty();
}

// Whether `item` continues `old`, an element of the same array from an earlier delta.
bool Continues(std::string_view array, const json& old, const json& item) {
  if (!old.is_object()) return false;
  const json* index = FindMember(item, "index");
  if (index != nullptr && index->is_number_integer()) {
    const json* old_index = FindMember(old, "index");
    if (old_index == nullptr || *old_index != *index) return false;
    const std::string_view type = StringMember(item, "type");
    const std::string_view old_type = StringMember(old, "type");
    if (!type.empty() && !old_type.empty() && type != old_type) return false;
    return array != "tool_calls" || !IsOtherCall(old, item);
  }
  // Without an index only the last element can be meant: a call, or a run of one kind of text.
  if (array == "tool_calls") return !IsOtherCall(old, item);
  const std::string_view type = StringMember(item, "type");
  return (array == "content" || array == "thinking") && type == StringMember(old, "type") &&
         (type == "text" || type == "thinking");
}

// The same of two elements of one delta: only an index tells that they are one, and what has a name
// of its own is another call, unless it says by its id that it is not.
bool ContinuesWithin(std::string_view array, const json& old, const json& item) {
  if (FindMember(item, "index") == nullptr || !Continues(array, old, item)) return false;
  const json* function = FindMember(item, "function");
  const bool named = function != nullptr && !StringMember(*function, "name").empty();
  const std::string_view id = StringMember(item, "id");
  return array != "tool_calls" || !named || (!id.empty() && id == StringMember(old, "id"));
}

bool MergeArrays(std::string_view name, json& old, const json& added) {
  const std::size_t before = old.size();
  for (const json& item : added) {
    const bool by_index = FindMember(item, "index") != nullptr;
    const std::size_t none = old.size();
    if (by_index && none > kMostTold) return false;
    std::size_t match = none;
    for (std::size_t i = by_index ? none : before; item.is_object() && i > 0; --i) {
      const bool same =
          i > before ? ContinuesWithin(name, old[i - 1], item) : Continues(name, old[i - 1], item);
      if (same) match = i - 1;
      if (match != none || !by_index) break;
    }
    if (match == none) {
      old.push_back(item);
    } else if (!MergeObjects(old[match], item)) {
      return false;
    }
  }
  return true;
}

// Content that changes between plain text and a list of parts becomes a list of parts.
bool MergeContent(json& old, const json& added) {
  const auto as_parts = [](const json& text) {
    json parts = json::array();
    if (!text.get_ref<const std::string&>().empty()) {
      parts.push_back({{"type", "text"}, {"text", text}});
    }
    return parts;
  };
  if (old.is_string()) old = as_parts(old);
  return MergeArrays("content", old, added.is_string() ? as_parts(added) : added);
}

bool MergeMember(json& object, const std::string& name, const json& added) {
  const auto [slot, is_new] = object.emplace(name, added.is_array() ? json::array() : added);
  json& old = *slot;
  if (added.is_null() || (is_new && !added.is_array())) return true;
  const auto is_content = [](const json& v) { return v.is_string() || v.is_array(); };
  if (old.is_array() && added.is_array()) return MergeArrays(name, old, added);
  if (old.is_object() && added.is_object()) return MergeObjects(old, added);
  if (old.is_string() && added.is_string()) {
    MergeStrings(name, old, added);
  } else if (name == "content" && is_content(old) && is_content(added)) {
    return MergeContent(old, added);
  } else {
    old = added;
  }
  return true;
}

bool MergeObjects(json& old, const json& added) {
  for (const auto& [name, value] : added.items()) {
    if (!MergeMember(old, name, value)) return false;
  }
  return true;
}

enum class Lists { kReplace, kGrow };

// Outside deltas: the latest state holds, but null and "" do not undo what was said.
void UpdateMember(json& object, const std::string& name, const json& added, Lists lists) {
  const auto [slot, is_new] = object.emplace(name, added);
  json& old = *slot;
  if (is_new || added.is_null()) return;
  if (old.is_string() && added.is_string() && added.get_ref<const std::string&>().empty()) return;
  if (old.is_object() && added.is_object()) {
    for (const auto& [inner, value] : added.items()) UpdateMember(old, inner, value, lists);
  } else if (lists == Lists::kGrow && old.is_array() && added.is_array()) {
    old.insert(old.end(), added.begin(), added.end());
  } else {
    old = added;
  }
}

void UpdateChoice(json& choice, const std::string& name, const json& added) {
  const bool grows = name == "logprobs" || added.is_array();
  UpdateMember(choice, name, added, grows ? Lists::kGrow : Lists::kReplace);
}

}  // namespace

void ChatAssembler::Add(const json& chunk) {
  for (const auto& [name, value] : chunk.items()) {
    if (name == kPatchMember) {
      patch_ = value;
    } else if (name == "choices") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) AddChoice(value[i], i);
    } else if (name == "usage" && value.is_object()) {
      answer_[name] = value;  // a sum so far, which replaces the last
    } else if (name != "obfuscation") {
      UpdateMember(answer_, name, value, Lists::kReplace);
    }
  }
}

void ChatAssembler::AddChoice(const json& part, std::size_t position) {
  if (!part.is_object() || too_much_) return;
  const json* index = FindMember(part, "index");
  const bool has_index = index != nullptr && index->is_number_integer();
  const std::int64_t number =
      has_index ? index->get<std::int64_t>() : static_cast<std::int64_t>(position);
  auto choice = std::find_if(choices_.begin(), choices_.end(),
                             [&](const Choice& c) { return c.index == number; });
  if (choice == choices_.end()) {
    too_much_ = choices_.size() == kMostTold;
    if (too_much_) return;
    json value = {{"index", number}};
    if (kind_ == ChunkKind::kChat) value["message"] = json::object();
    choice = choices_.insert(choices_.end(), {number, std::move(value)});
  }
  json& value = choice->value;
  if (kind_ == ChunkKind::kText) return AddText(part, value);
  json& message = value["message"];
  const bool has_delta = part.contains("delta");
  for (const auto& [name, member] : part.items()) {
    if (name == "delta") {
      if (member.is_object() && !MergeObjects(message, member)) too_much_ = true;
    } else if (name == "message") {
      // A whole message, as some send at the end: news only if there were no deltas.
      if (!has_delta && message.empty() && member.is_object()) message = member;
    } else {
      UpdateChoice(value, name, member);
    }
  }
}

void ChatAssembler::AddText(const json& part, json& choice) {
  for (const auto& [name, member] : part.items()) {
    if (name == "text") {
      if (!MergeMember(choice, name, member)) too_much_ = true;
    } else {
      UpdateChoice(choice, name, member);
    }
  }
}

std::size_t ChatAssembler::finished() const {
  return static_cast<std::size_t>(std::count_if(
      choices_.begin(), choices_.end(),
      [](const Choice& choice) { return !StringMember(choice.value, "finish_reason").empty(); }));
}

void ChatAssembler::FinishMessage(json& message) {
  message.emplace("role", "assistant");
  // The index tells pieces of calls apart; an answer has the calls themselves.
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || !calls->is_array()) return;
  for (json& call : *calls) {
    if (call.is_object()) call.erase("index");
  }
}

Result<json> ChatAssembler::Take() {
  if (too_much_) return Status(StatusCode::kDataLoss, "more choices or calls than are told apart");
  std::stable_sort(choices_.begin(), choices_.end(),
                   [](const Choice& a, const Choice& b) { return a.index < b.index; });
  json choices = json::array();
  for (Choice& choice : choices_) {
    if (kind_ == ChunkKind::kChat) FinishMessage(choice.value["message"]);
    choices.push_back(std::move(choice.value));
  }
  json answer = std::move(answer_);
  if (kind_ == ChunkKind::kChat) answer["object"] = "chat.completion";
  answer["choices"] = std::move(choices);
  const json patch = std::move(patch_);
  *this = ChatAssembler(kind_);
  const Status patched = ApplyPatch(patch, answer);
  if (!patched.ok()) return patched;
  return answer;
}

}  // namespace larder::client
