#include "openai_responses_split.h"

#include <string>
#include <string_view>
#include <utility>

#include "answer_json.h"
#include "text_pieces.h"

namespace larder::client {
namespace {

using nlohmann::json;

// An array member, or an empty array.
json ArrayOf(const json& value, const char* name) {
  const json* member = FindMember(value, name);
  return member != nullptr && member->is_array() ? *member : json::array();
}

// Sets members that are there to what they are before anything was said.
json Begun(json value, std::initializer_list<std::pair<const char*, json>> members) {
  for (const auto& [name, start] : members) {
    if (value.is_object() && value.contains(name)) value[name] = start;
  }
  return value;
}

class Splitter {
 public:
  explicit Splitter(const json& answer) : answer_(answer) {}

  std::vector<Event> Split() {
    json begun = Begun(answer_, {{"output", json::array()},
                                 {"status", "in_progress"},
                                 {"usage", nullptr},
                                 {"incomplete_details", nullptr},
                                 {"completed_at", nullptr}});
    begun.erase("output_text");
    Emit("response.created", {{"response", begun}});
    Emit("response.in_progress", {{"response", std::move(begun)}});
    const json& output = answer_["output"];
    for (output_index_ = 0; output_index_ < output.size(); ++output_index_) {
      SplitItem(output[output_index_]);
    }
    const bool incomplete = StringMember(answer_, "status") == "incomplete";
    Emit(incomplete ? "response.incomplete" : "response.completed", {{"response", answer_}});
    return std::move(events_);
  }

 private:
  void Emit(const char* type, json data) {
    data["type"] = type;
    data["sequence_number"] = events_.size();
    events_.push_back({type, DumpJson(data)});
  }

  // An event of the item at hand.
  void EmitOfItem(const char* type, json data) {
    data["output_index"] = output_index_;
    data["item_id"] = item_id_;
    Emit(type, std::move(data));
  }

  void EmitText(const char* type, std::string_view text, const json& place) {
    for (; !text.empty(); text.remove_prefix(PieceSize(text))) {
      json data = place;
      data["delta"] = text.substr(0, PieceSize(text));
      EmitOfItem(type, std::move(data));
    }
  }

  void SplitItem(const json& item) {
    item_id_ = std::string(StringMember(item, "id"));
    const std::string_view type = StringMember(item, "type");
    json begun = Begun(item, {{"status", "in_progress"}});
    if (type == "message") begun = Begun(std::move(begun), {{"content", json::array()}});
    if (type == "reasoning") {
      begun = Begun(std::move(begun), {{"content", json::array()}, {"summary", json::array()}});
    }
    if (type == "function_call") begun = Begun(std::move(begun), {{"arguments", ""}});
    if (type == "custom_tool_call") begun = Begun(std::move(begun), {{"input", ""}});
    Emit("response.output_item.added",
         {{"output_index", output_index_}, {"item", std::move(begun)}});
    if (type == "message") SplitContent(item);
    if (type == "reasoning") SplitReasoning(item);
    if (type == "function_call") {
      SplitCall("response.function_call_arguments", "arguments", item);
    } else if (type == "custom_tool_call") {
      SplitCall("response.custom_tool_call_input", "input", item);
    }
    Emit("response.output_item.done", {{"output_index", output_index_}, {"item", item}});
  }

  void SplitCall(const std::string& prefix, const char* member, const json& item) {
    const std::string_view text = StringMember(item, member);
    EmitText((prefix + ".delta").c_str(), text, json::object());
    EmitOfItem((prefix + ".done").c_str(), {{member, text}});
  }

  void SplitContent(const json& item) {
    const json content = ArrayOf(item, "content");
    for (std::size_t i = 0; i < content.size(); ++i) SplitPart(content[i], i);
  }

  void SplitPart(const json& part, std::size_t index) {
    const std::string_view type = StringMember(part, "type");
    const json place = {{"content_index", index}};
    EmitOfItem("response.content_part.added",
               {{"content_index", index},
                {"part", Begun(part, {{"text", ""},
                                      {"refusal", ""},
                                      {"annotations", json::array()},
                                      {"logprobs", json::array()}})}});
    if (type == "output_text") SplitOutputText(part, index);
    if (type == "refusal") {
      const std::string_view text = StringMember(part, "refusal");
      EmitText("response.refusal.delta", text, place);
      EmitOfItem("response.refusal.done", {{"content_index", index}, {"refusal", text}});
    }
    if (type == "reasoning_text") SplitReasoningText(part, place);
    EmitOfItem("response.content_part.done", {{"content_index", index}, {"part", part}});
  }

  void SplitOutputText(const json& part, std::size_t index) {
    const std::string_view text = StringMember(part, "text");
    EmitText("response.output_text.delta", text,
             {{"content_index", index}, {"logprobs", json::array()}});
    const json annotations = ArrayOf(part, "annotations");
    for (std::size_t i = 0; i < annotations.size(); ++i) {
      EmitOfItem(
          "response.output_text.annotation.added",
          {{"content_index", index}, {"annotation_index", i}, {"annotation", annotations[i]}});
    }
    EmitOfItem("response.output_text.done",
               {{"content_index", index}, {"text", text}, {"logprobs", ArrayOf(part, "logprobs")}});
  }

  void SplitReasoningText(const json& part, const json& place) {
    const std::string_view text = StringMember(part, "text");
    EmitText("response.reasoning_text.delta", text, place);
    json done = place;
    done["text"] = text;
    EmitOfItem("response.reasoning_text.done", std::move(done));
  }

  void SplitReasoning(const json& item) {
    const json summary = ArrayOf(item, "summary");
    for (std::size_t i = 0; i < summary.size(); ++i) {
      const json place = {{"summary_index", i}};
      const std::string_view text = StringMember(summary[i], "text");
      EmitOfItem("response.reasoning_summary_part.added",
                 {{"summary_index", i}, {"part", Begun(summary[i], {{"text", ""}})}});
      EmitText("response.reasoning_summary_text.delta", text, place);
      EmitOfItem("response.reasoning_summary_text.done", {{"summary_index", i}, {"text", text}});
      EmitOfItem("response.reasoning_summary_part.done",
                 {{"summary_index", i}, {"part", summary[i]}});
    }
    SplitContent(item);
  }

  const json& answer_;
  std::size_t output_index_ = 0;
  std::string item_id_;
  std::vector<Event> events_;
};

}  // namespace

std::vector<Event> SplitResponse(const json& answer) { return Splitter(answer).Split(); }

}  // namespace larder::client
