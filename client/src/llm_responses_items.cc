#include "llm_responses_items.h"

#include <utility>

#include "llm_fields.h"
#include "llm_openai_message.h"

namespace larder::client {
namespace {

// In an answer's message the first block tells here what the message says beside its content (id,
// status, phase, ...): it is one of several items, and one `extra` cannot be that of all.
constexpr const char* kItem = "(item)";

const char* TextType(Role role) { return role == Role::kAssistant ? "output_text" : "input_text"; }

class ItemWriter {
 public:
  explicit ItemWriter(const Message& message) : message_(message) {}

  Result<std::vector<LlmJson>> Write() {
    for (const Part& part : message_.parts) {
      Status status = std::visit([this](const auto& one) { return Add(one); }, part);
      if (!status.ok()) return status;
    }
    Flush();
    if (items_.empty()) items_.push_back({{"role", OpenAiRoleName(message_.role)}});
    if (Status status = AddExtra(message_.extra, items_.front()); !status.ok()) return status;
    return std::move(items_);
  }

 private:
  Status AddBlock(LlmJson block, const std::string& extra) {
    if (Status status = AddExtra(extra, block); !status.ok()) return status;
    BeginItem(block);
    plain_ = plain_ && extra.empty() && block.contains("text");
    content_.push_back(std::move(block));
    return Status::Ok();
  }
  Status AddItem(LlmJson item, const std::string& extra) {
    Flush();
    Status status = AddExtra(extra, item);
    items_.push_back(std::move(item));
    return status;
  }
  Status Add(const TextPart& part) {
    return AddBlock({{"type", TextType(message_.role)}, {"text", part.text}}, part.extra);
  }
  Status Add(const ImagePart& part) {
    return AddBlock({{"type", "input_image"}, {"image_url", part.url}}, part.extra);
  }
  Status Add(const RefusalPart& part) {
    return AddBlock({{"type", "refusal"}, {"refusal", part.text}}, part.extra);
  }
  Status Add(const ToolCallPart& part) {
    return AddItem({{"type", "function_call"},
                    {"call_id", part.id},
                    {"name", part.name},
                    {"arguments", part.arguments}},
                   part.extra);
  }
  Status Add(const ToolResultPart& part) {
    return AddItem(
        {{"type", "function_call_output"}, {"call_id", part.call_id}, {"output", part.text}},
        part.extra);
  }
  Status Add(const ReasoningPart& part) {
    LlmJson item = {{"type", "reasoning"}, {"summary", LlmJson::array()}};
    if (!part.text.empty()) {
      item["summary"].push_back({{"type", "summary_text"}, {"text", part.text}});
    }
    if (!part.signature.empty()) item["encrypted_content"] = part.signature;
    return AddItem(std::move(item), part.extra);
  }
  Status Add(const OtherPart& part) {
    Result<LlmJson> json = ParseLlmJson(part.json, "a part");
    if (!json.ok()) return json.status();
    if (part.is_tool_call) return AddItem(*std::move(json), "");
    BeginItem(*json);
    plain_ = false;
    content_.push_back(*std::move(json));
    return Status::Ok();
  }

  void BeginItem(LlmJson& block) {
    const auto told = block.find(kItem);
    if (told == block.end()) return;
    Flush();
    frame_ = std::move(*told);
    block.erase(told);
  }

  // What was collected is a message of its own. A lone text is written as the text that it is.
  void Flush() {
    if (content_.empty()) return;
    const bool lone = plain_ && content_.size() == 1;
    LlmJson item = std::exchange(frame_, LlmJson());
    if (!item.is_object()) item = {{"role", OpenAiRoleName(message_.role)}};
    item["content"] = lone ? content_[0]["text"] : std::exchange(content_, LlmJson::array());
    items_.push_back(std::move(item));
    content_ = LlmJson::array();
    plain_ = true;
  }

  const Message& message_;
  std::vector<LlmJson> items_;
  LlmJson content_ = LlmJson::array();
  LlmJson frame_;  // the item of that content, if a block told of it
  bool plain_ = true;
};

// `lone`: nothing else is in the list. Then its extra says its type again, so that it is written
// as a list.
Part ReadBlock(const LlmJson& block, bool lone, Role role) {
  const std::string_view type = LlmView(block, "type");
  LlmFields fields(block);
  if (type == TextType(role) && block.contains("text") && block["text"].is_string()) {
    if (!lone) fields.Drop("type");
    std::string text = fields.Text("text");
    return TextPart{std::move(text), fields.Rest()};
  }
  if (type == "input_image" && !LlmView(block, "image_url").empty()) {
    fields.Drop("type");
    std::string url = fields.Text("image_url");
    return ImagePart{std::move(url), fields.Rest()};
  }
  if (type == "refusal" && !LlmView(block, "refusal").empty()) {
    fields.Drop("type");
    std::string text = fields.Text("refusal");
    return RefusalPart{std::move(text), fields.Rest()};
  }
  return OtherPart{LlmText(block)};
}

Part ReadCall(LlmFields fields) {
  std::string id = fields.Text("call_id");
  std::string name = fields.Text("name");
  std::string arguments = fields.Text("arguments");
  return ToolCallPart{std::move(id), std::move(name), std::move(arguments), fields.Rest()};
}

std::string TextsOf(const LlmJson& parts) {
  std::string text;
  for (const LlmJson& part : parts) {
    text += (text.empty() ? "" : "\n\n") + std::string(LlmView(part, "text"));
  }
  return text;
}

// A summary in several parts, and thoughts without a summary, stay whole in the extra, which wins.
Part ReadThought(LlmFields fields) {
  const LlmJson summary = fields.Structure("summary");
  std::string text = TextsOf(summary);
  const LlmJson* content = fields.Find("content");
  if (text.empty() && content != nullptr && content->is_array()) text = TextsOf(*content);
  LlmJson simple = LlmJson::array();
  if (!text.empty()) simple.push_back({{"type", "summary_text"}, {"text", text}});
  if (!summary.is_null() && !SameJson(simple, summary)) fields.Return("summary", summary);
  std::string signature = fields.Word("encrypted_content");
  return ReasoningPart{std::move(text), std::move(signature), fields.Rest()};
}

// An item that is no message.
Part ReadOther(const LlmJson& item) {
  const std::string_view type = LlmView(item, "type");
  LlmFields fields(item);
  fields.Drop("type");
  if (type == "function_call") return ReadCall(std::move(fields));
  if (type == "reasoning") return ReadThought(std::move(fields));
  if (type == "function_call_output" && item.contains("output") && item["output"].is_string()) {
    std::string id = fields.Text("call_id");
    std::string output = fields.Text("output");
    return ToolResultPart{std::move(id), std::move(output), fields.Rest()};
  }
  return OtherPart{LlmText(item), /*is_tool_call=*/true};
}

Role RoleOfItem(const LlmJson& item) {
  const std::string_view type = LlmView(item, "type");
  if (type == "function_call_output") return Role::kTool;
  return ReadOpenAiRole(LlmView(item, "role")).value_or(Role::kAssistant);
}

void ReadContent(LlmFields& fields, Message& message) {
  const LlmJson* content = fields.Find("content");
  if (content != nullptr && content->is_string()) {
    message.parts.emplace_back(TextPart{fields.Text("content")});
    return;
  }
  const LlmJson blocks = fields.Structure("content");
  for (const LlmJson& block : blocks) {
    message.parts.push_back(ReadBlock(block, blocks.size() == 1, message.role));
  }
}

void ReadOutputMessage(const LlmJson& item, Message& message) {
  LlmFields frame(item);
  LlmJson blocks = frame.Structure("content");
  if (!blocks.is_array() || blocks.empty() || !blocks[0].is_object()) {
    message.parts.emplace_back(OtherPart{LlmText(item), /*is_tool_call=*/true});
    return;
  }
  blocks[0][kItem] = LlmParse(frame.Rest());
  for (const LlmJson& block : blocks) {
    message.parts.push_back(ReadBlock(block, /*lone=*/false, Role::kAssistant));
  }
}

bool IsMessage(const LlmJson& item) {
  const std::string_view type = LlmView(item, "type");
  return type == "message" || (type.empty() && item.contains("role"));
}

}  // namespace

Result<std::vector<LlmJson>> WriteResponseItems(const Message& message) {
  return ItemWriter(message).Write();
}

Message ReadResponseItem(const LlmJson& item) {
  Message message{RoleOfItem(item), {}, {}};
  if (IsMessage(item)) {
    LlmFields fields(item);
    fields.Text("role");
    ReadContent(fields, message);
    message.extra = fields.Rest();
  } else {
    message.parts.push_back(ReadOther(item));
  }
  Result<std::vector<LlmJson>> written = WriteResponseItems(message);
  if (!written.ok() || written->size() != 1) {
    return {message.role, {OtherPart{LlmText(item), /*is_tool_call=*/true}}, {}};
  }
  KeepWhole(item, Result<LlmJson>(std::move(written->front())), message.extra);
  return message;
}

Message ReadResponseOutput(const LlmJson& items) {
  Message message{Role::kAssistant, {}, {}};
  for (const LlmJson& item : items) {
    if (!item.is_object()) continue;
    if (!IsMessage(item)) {
      message.parts.push_back(ReadOther(item));
      continue;
    }
    ReadOutputMessage(item, message);
  }
  return message;
}

}  // namespace larder::client
