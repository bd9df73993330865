#include "llm_anthropic_message.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "llm_fields.h"

namespace larder::client {
namespace {

constexpr std::string_view kData = "data:";
constexpr std::string_view kBase64 = ";base64,";

LlmJson ImageSource(const std::string& url) {
  const std::size_t comma = url.find(kBase64);
  if (!url.starts_with(kData) || comma == std::string::npos) return {{"type", "url"}, {"url", url}};
  return {{"type", "base64"},
          {"media_type", url.substr(kData.size(), comma - kData.size())},
          {"data", url.substr(comma + kBase64.size())}};
}

class BlockWriter {
 public:
  Status AddAll(const Message& message) {
    for (const Part& part : message.parts) {
      Status status = std::visit([this](const auto& one) { return Add(one); }, part);
      if (!status.ok()) return status;
    }
    return Status::Ok();
  }

  // A lone text is written as the text that it is.
  LlmJson Take() {
    const bool lone = plain_ && blocks_.size() == 1;
    return lone ? blocks_[0]["text"] : std::move(blocks_);
  }

 private:
  Status Push(LlmJson block, const std::string& extra) {
    plain_ = plain_ && extra.empty() && block["type"] == "text";
    Status status = AddExtra(extra, block);
    blocks_.push_back(std::move(block));
    return status;
  }
  Status Add(const TextPart& part) {
    return Push({{"type", "text"}, {"text", part.text}}, part.extra);
  }
  Status Add(const ImagePart& part) {
    return Push({{"type", "image"}, {"source", ImageSource(part.url)}}, part.extra);
  }
  Status Add(const ToolCallPart& part) {
    const std::string arguments = part.arguments.empty() ? "{}" : part.arguments;
    Result<LlmJson> input = ParseLlmJson(arguments, "a tool call's arguments");
    if (!input.ok()) return input.status();
    return Push({{"type", "tool_use"}, {"id", part.id}, {"name", part.name}, {"input", *input}},
                part.extra);
  }
  Status Add(const ToolResultPart& part) {
    LlmJson block = {{"type", "tool_result"}, {"tool_use_id", part.call_id}};
    if (!part.text.empty()) block["content"] = part.text;
    return Push(std::move(block), part.extra);
  }
  Status Add(const ReasoningPart& part) {
    LlmJson block = {{"type", "thinking"}, {"thinking", part.text}};
    if (!part.signature.empty()) block["signature"] = part.signature;
    return Push(std::move(block), part.extra);
  }
  Status Add(const RefusalPart& part) { return Push({{"type", "text"}, {"text", part.text}}, ""); }
  Status Add(const OtherPart& part) {
    Result<LlmJson> block = ParseLlmJson(part.json, "a part");
    if (!block.ok()) return block.status();
    plain_ = false;
    blocks_.push_back(*std::move(block));
    return Status::Ok();
  }

  LlmJson blocks_ = LlmJson::array();
  bool plain_ = true;
};

// Empty if it is an image of another kind.
std::string ImageUrl(const LlmJson& source) {
  const std::string_view type = LlmView(source, "type");
  std::string url;
  if (type == "url") url = LlmView(source, "url");
  if (type == "base64") {
    url = std::string(kData) + std::string(LlmView(source, "media_type")) + std::string(kBase64) +
          std::string(LlmView(source, "data"));
  }
  return SameJson(ImageSource(url), source) ? url : "";
}

Part ReadImage(const LlmJson& block) {
  LlmFields fields(block);
  fields.Drop("type");
  std::string url = ImageUrl(fields.Structure("source"));
  if (url.empty()) return OtherPart{LlmText(block)};
  return ImagePart{std::move(url), fields.Rest()};
}

// `lone`: nothing else is in the list. Then its extra says its type again, so that it is written
// as a list.
Part ReadBlock(const LlmJson& block, bool lone) {
  LlmFields fields(block);
  const std::string_view type = LlmView(block, "type");
  if (!lone || type != "text") fields.Drop("type");
  if (type == "text") {
    std::string text = fields.Text("text");
    return TextPart{std::move(text), fields.Rest()};
  }
  if (type == "image") return ReadImage(block);
  if (type == "thinking") {
    std::string text = fields.Text("thinking");
    std::string signature = fields.Word("signature");
    return ReasoningPart{std::move(text), std::move(signature), fields.Rest()};
  }
  if (type == "tool_use") {
    std::string id = fields.Text("id");
    std::string name = fields.Text("name");
    std::string input = LlmText(fields.Structure("input"));
    return ToolCallPart{std::move(id), std::move(name), std::move(input), fields.Rest()};
  }
  if (type == "tool_result") {
    std::string id = fields.Text("tool_use_id");
    std::string text = fields.Word("content");
    return ToolResultPart{std::move(id), std::move(text), fields.Rest()};
  }
  return OtherPart{LlmText(block)};
}

Role RoleOf(std::string_view name, const std::vector<Part>& parts) {
  if (name == "assistant") return Role::kAssistant;
  const auto is_result = [](const Part& part) {
    return std::holds_alternative<ToolResultPart>(part);
  };
  const bool results = !parts.empty() && std::all_of(parts.begin(), parts.end(), is_result);
  return results ? Role::kTool : Role::kUser;
}

}  // namespace

Result<LlmJson> WriteContent(const std::vector<const Message*>& messages) {
  BlockWriter blocks;
  for (const Message* message : messages) {
    if (Status status = blocks.AddAll(*message); !status.ok()) return status;
  }
  return blocks.Take();
}

void ReadContent(const LlmJson& content, std::vector<Part>& parts) {
  if (content.is_string()) {
    parts.emplace_back(TextPart{content.get<std::string>()});
    return;
  }
  if (!content.is_array()) return;
  for (const LlmJson& block : content) parts.push_back(ReadBlock(block, content.size() == 1));
}

Result<LlmJson> WriteMessage(const Message& message) {
  Result<LlmJson> content = WriteContent({&message});
  if (!content.ok()) return content.status();
  // Results of tools come from the user here.
  LlmJson written = {{"role", message.role == Role::kAssistant ? "assistant" : "user"},
                     {"content", *std::move(content)}};
  if (Status status = AddExtra(message.extra, written); !status.ok()) return status;
  return written;
}

Message ReadMessage(const LlmJson& json) {
  Message message;
  LlmFields fields(json);
  const std::string role = fields.Text("role");
  if (json.is_object() && json.contains("content")) ReadContent(json["content"], message.parts);
  fields.Drop("content");
  message.role = RoleOf(role, message.parts);
  message.extra = fields.Rest();
  KeepWhole(json, WriteMessage(message), message.extra);
  return message;
}

}  // namespace larder::client
