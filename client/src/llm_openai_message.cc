#include "llm_openai_message.h"

#include <array>
#include <utility>

#include "llm_fields.h"

namespace larder::client {
namespace {

constexpr std::array<std::pair<Role, const char*>, 5> kRoles = {{
    {Role::kSystem, "system"},
    {Role::kDeveloper, "developer"},
    {Role::kUser, "user"},
    {Role::kAssistant, "assistant"},
    {Role::kTool, "tool"},
}};

constexpr const char* kReasoningContent = "reasoning_content";

// Parts that are no content (calls, reasoning, ...) become members of their own.
class MessageWriter {
 public:
  explicit MessageWriter(const Message& message) : message_(message) {}

  Result<LlmJson> Write() {
    json_["role"] = OpenAiRoleName(message_.role);
    for (const Part& part : message_.parts) {
      Status status = std::visit([this](const auto& one) { return Add(one); }, part);
      if (!status.ok()) return status;
    }
    WriteContent();
    if (!calls_.empty()) json_["tool_calls"] = std::move(calls_);
    if (Status status = AddExtra(message_.extra, json_); !status.ok()) return status;
    return std::move(json_);
  }

 private:
  Status AddContent(LlmJson block, const std::string& extra) {
    plain_ = plain_ && extra.empty() && block["type"] == "text";
    Status status = AddExtra(extra, block);
    content_.push_back(std::move(block));
    return status;
  }
  Status Add(const TextPart& part) {
    return AddContent({{"type", "text"}, {"text", part.text}}, part.extra);
  }
  Status Add(const ImagePart& part) {
    return AddContent({{"type", "image_url"}, {"image_url", {{"url", part.url}}}}, part.extra);
  }
  Status Add(const ToolCallPart& part) {
    LlmJson call = {{"id", part.id},
                    {"type", "function"},
                    {"function", {{"name", part.name}, {"arguments", part.arguments}}}};
    Status status = AddExtra(part.extra, call);
    calls_.push_back(std::move(call));
    return status;
  }
  Status Add(const ToolResultPart& part) {
    json_["tool_call_id"] = part.call_id;
    return AddContent({{"type", "text"}, {"text", part.text}}, part.extra);
  }
  Status Add(const ReasoningPart& part) {
    return AddText(part.field.empty() ? kReasoningContent : part.field, part.text, part.extra);
  }
  Status Add(const RefusalPart& part) { return AddText("refusal", part.text, part.extra); }
  // There is one such member; other providers have several of these parts.
  Status AddText(const std::string& name, const std::string& text, const std::string& extra) {
    const std::string_view before = LlmView(json_, name.c_str());
    json_[name] = before.empty() ? text : std::string(before) + "\n\n" + text;
    return AddExtra(extra, json_);
  }
  Status Add(const OtherPart& part) {
    Result<LlmJson> block = ParseLlmJson(part.json, "a part");
    if (!block.ok()) return block.status();
    plain_ = plain_ && part.is_tool_call;
    (part.is_tool_call ? calls_ : content_).push_back(*std::move(block));
    return Status::Ok();
  }

  // A lone text is written as the text that it is, as everybody does.
  void WriteContent() {
    if (content_.empty()) return;
    const bool lone = plain_ && content_.size() == 1;
    json_["content"] = lone ? content_[0]["text"] : std::move(content_);
  }

  const Message& message_;
  LlmJson json_ = LlmJson::object();
  LlmJson content_ = LlmJson::array();
  LlmJson calls_ = LlmJson::array();
  bool plain_ = true;
};

// Results of tools, each with what follows it, apart from the rest.
std::vector<Message> SplitByResult(const Message& message) {
  std::vector<Message> split = {{message.role, {}, message.extra}};
  const std::string* call_id = nullptr;
  for (const Part& part : message.parts) {
    const auto* result = std::get_if<ToolResultPart>(&part);
    const bool same = result == nullptr ? call_id == nullptr || message.role == Role::kTool
                                        : call_id != nullptr && *call_id == result->call_id;
    if (!same && !split.back().parts.empty()) split.push_back({message.role, {}, {}});
    call_id = same ? call_id : (result == nullptr ? nullptr : &result->call_id);
    if (result != nullptr) split.back().role = Role::kTool;
    split.back().parts.push_back(part);
  }
  return split;
}

Part ReadImage(const LlmJson& block) {
  LlmFields fields(block);
  fields.Drop("type");
  LlmFields image(fields.Structure("image_url"));
  std::string url = image.Text("url");
  if (!image.empty()) fields.Return("image_url", LlmParse(image.Rest()));
  return ImagePart{std::move(url), fields.Rest()};
}

// `lone`: nothing else is in the list. Then its extra says its type again, so that it is written
// as a list.
Part ReadContent(const LlmJson& block, bool lone, const std::string* call_id) {
  const std::string_view type = LlmView(block, "type");
  if (type == "image_url" && !LlmView(block.value("image_url", LlmJson()), "url").empty()) {
    return ReadImage(block);
  }
  if (type != "text") return OtherPart{LlmText(block)};
  LlmFields fields(block);
  if (!lone) fields.Drop("type");
  std::string text = fields.Text("text");
  if (call_id != nullptr) return ToolResultPart{*call_id, std::move(text), fields.Rest()};
  return TextPart{std::move(text), fields.Rest()};
}

Part ReadCall(const LlmJson& call) {
  LlmFields fields(call);
  LlmFields function(fields.Structure("function"));
  const std::string_view type = LlmView(call, "type");
  if (function.empty() || (type != "function" && !type.empty())) {
    return OtherPart{LlmText(call), /*is_tool_call=*/true};
  }
  std::string id = fields.Text("id");
  fields.Drop("type");
  std::string name = function.Text("name");
  std::string arguments = function.Text("arguments");
  if (!function.empty()) fields.Return("function", LlmParse(function.Rest()));
  return ToolCallPart{std::move(id), std::move(name), std::move(arguments), fields.Rest()};
}

void ReadContents(LlmFields& fields, const LlmJson& json, Message& message) {
  const std::string id = message.role == Role::kTool ? fields.Text("tool_call_id") : "";
  const std::string* const call_id = message.role == Role::kTool ? &id : nullptr;
  const auto content = json.find("content");
  if (content != json.end() && content->is_string()) {
    std::string text = fields.Text("content");
    if (call_id != nullptr) {
      message.parts.emplace_back(ToolResultPart{id, std::move(text)});
    } else {
      message.parts.emplace_back(TextPart{std::move(text)});
    }
  }
  const LlmJson blocks = fields.Structure("content");
  for (const LlmJson& block : blocks) {
    message.parts.push_back(ReadContent(block, blocks.size() == 1, call_id));
  }
}

}  // namespace

const char* OpenAiRoleName(Role role) {
  for (const auto& [known, name] : kRoles) {
    if (role == known) return name;
  }
  return "user";
}

std::optional<Role> ReadOpenAiRole(std::string_view name) {
  for (const auto& [known, text] : kRoles) {
    if (name == text) return known;
  }
  return std::nullopt;
}

const char* ChatReasoningField(const LlmJson& message) {
  const bool usual = !LlmView(message, kReasoningContent).empty();
  return usual || LlmView(message, "reasoning").empty() ? kReasoningContent : "reasoning";
}

Result<std::vector<LlmJson>> WriteChatMessages(const Message& message) {
  std::vector<LlmJson> written;
  for (const Message& one : SplitByResult(message)) {
    Result<LlmJson> json = MessageWriter(one).Write();
    if (!json.ok()) return json.status();
    written.push_back(*std::move(json));
  }
  return written;
}

Message ReadChatMessage(const LlmJson& json) {
  Message message{Role::kAssistant, {}, {}};
  LlmJson whole = json.is_object() ? json : LlmJson::object();
  if (!whole.contains("role")) whole["role"] = "assistant";
  LlmFields fields(whole);
  const std::string role = fields.Text("role");
  message.role = ReadOpenAiRole(role).value_or(message.role);
  const char* const field = ChatReasoningField(whole);
  std::string thought = fields.Word(field);
  if (!thought.empty()) {
    ReasoningPart part{std::move(thought)};
    if (std::string_view(field) != kReasoningContent) part.field = field;
    message.parts.emplace_back(std::move(part));
  }
  ReadContents(fields, whole, message);
  std::string refusal = fields.Word("refusal");
  if (!refusal.empty()) message.parts.emplace_back(RefusalPart{std::move(refusal)});
  for (const LlmJson& call : fields.Structure("tool_calls"))
    message.parts.push_back(ReadCall(call));
  message.extra = fields.Rest();
  KeepWhole(whole, MessageWriter(message).Write(), message.extra);
  return message;
}

}  // namespace larder::client
