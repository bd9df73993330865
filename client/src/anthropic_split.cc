#include <algorithm>
#include <string>
#include <utility>

#include "answer_json.h"
#include "answer_patch.h"
#include "anthropic_stream.h"
#include "text_pieces.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Members of a block that come in pieces, and what the pieces are called.
struct PiecedMember {
  const char* block_type;
  const char* member;
  const char* delta_type;
};
constexpr PiecedMember kPieced[] = {
    {"text", "text", "text_delta"},
    {"thinking", "thinking", "thinking_delta"},
};

class Splitter {
 public:
  explicit Splitter(const json& message) : message_(message) {}

  Result<std::vector<Event>> Split() {
    Emit("message_start", {{"message", Begun()}});
    const json& content = message_["content"];
    for (index_ = 0; index_ < content.size(); ++index_) SplitBlock(content[index_]);
    Emit("message_delta", Ending());
    Emit("message_stop", json::object());
    const MessageStream said = ReadMessageStream(events_);
    if (!said.problem.empty()) return Status(StatusCode::kDataLoss, "not a message to be streamed");
    AddPatch(said.message, message_, events_[events_.size() - 2].data);
    return std::move(events_);
  }

 private:
  void Emit(const char* type, json data) {
    data["type"] = type;
    events_.push_back({type, DumpJson(data)});
  }
  void EmitDelta(const char* type, const char* member, json value) {
    Emit("content_block_delta",
         {{"index", index_}, {"delta", {{"type", type}, {member, std::move(value)}}}});
  }
  void EmitText(const char* type, const char* member, std::string_view text) {
    for (; !text.empty(); text.remove_prefix(PieceSize(text))) {
      EmitDelta(type, member, text.substr(0, PieceSize(text)));
    }
  }

  // The message before anything was said.
  json Begun() const {
    json begun = message_;
    begun["content"] = json::array();
    for (const char* name : {"stop_reason", "stop_sequence"}) {
      if (begun.contains(name)) begun[name] = nullptr;
    }
    begun.erase(kPatchMember);
    json* usage = begun.contains("usage") ? &begun["usage"] : nullptr;
    if (usage != nullptr && IsSet(*usage, "output_tokens")) (*usage)["output_tokens"] = 0;
    return begun;
  }

  json Ending() const {
    json delta = json::object();
    for (const char* name : {"stop_reason", "stop_sequence"}) {
      if (const json* value = FindMember(message_, name)) delta[name] = *value;
    }
    json ending = {{"delta", std::move(delta)}};
    if (const json* usage = FindMember(message_, "usage")) ending["usage"] = *usage;
    return ending;
  }

  void SplitBlock(const json& block) {
    const std::string_view type = StringMember(block, "type");
    json begun = block;
    std::string_view text;
    const PiecedMember* pieced = nullptr;
    for (const PiecedMember& member : kPieced) {
      if (type != member.block_type) continue;
      pieced = &member;
      text = StringMember(block, member.member);
      if (!text.empty()) begun[member.member] = "";
    }
    const std::string_view signature = pieced != nullptr ? StringMember(block, "signature") : "";
    if (!signature.empty()) begun["signature"] = "";
    const json* citations = FindMember(block, "citations");
    const bool cites = type == "text" && citations != nullptr && citations->is_array();
    if (cites) begun["citations"] = json::array();
    const json* input = type.ends_with("tool_use") ? FindMember(block, "input") : nullptr;
    const bool has_input = input != nullptr && input->is_object() && !input->empty();
    if (has_input) begun["input"] = json::object();

    Emit("content_block_start", {{"index", index_}, {"content_block", std::move(begun)}});
    for (std::size_t i = 0; cites && i < citations->size(); ++i) {
      EmitDelta("citations_delta", "citation", (*citations)[i]);
    }
    if (pieced != nullptr) EmitText(pieced->delta_type, pieced->member, text);
    if (has_input) EmitText("input_json_delta", "partial_json", DumpJson(*input));
    if (!signature.empty()) EmitDelta("signature_delta", "signature", signature);
    Emit("content_block_stop", {{"index", index_}});
  }

  const json& message_;
  std::size_t index_ = 0;
  std::vector<Event> events_;
};

}  // namespace

Result<std::vector<Event>> SplitMessage(const json& message) {
  const json* content = FindMember(message, "content");
  const bool is_message =
      content != nullptr && content->is_array() &&
      std::all_of(content->begin(), content->end(), [](const json& b) { return b.is_object(); });
  if (!is_message) return Status(StatusCode::kDataLoss, "not a message");
  return Splitter(message).Split();
}

}  // namespace larder::client
