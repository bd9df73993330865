#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "answer_json.h"
#include "answer_patch.h"
#include "anthropic_stream.h"

namespace larder::client {
namespace {

using nlohmann::json;

struct Block {
  json value;
  std::string input;  // partial JSON so far
};

void Grow(json& object, const std::string& name, const json& added) {
  const auto [slot, is_new] = object.emplace(name, added);
  json& old = *slot;
  if (is_new) return;
  if (old.is_string() && added.is_string()) {
    old.get_ref<std::string&>() += added.get_ref<const std::string&>();
  } else if (old.is_array() && added.is_array()) {
    old.insert(old.end(), added.begin(), added.end());
  } else if (old.is_object() && added.is_object()) {
    for (const auto& [inner, value] : added.items()) Grow(old, inner, value);
  } else {
    old = added;
  }
}

void AddDelta(Block& block, const json& delta) {
  const std::string_view type = StringMember(delta, "type");
  if (type == "input_json_delta") {
    block.input += StringMember(delta, "partial_json");
    return;
  }
  if (type == "citations_delta" && IsSet(delta, "citation")) {
    json& citations = block.value["citations"];
    if (!citations.is_array()) citations = json::array();
    citations.push_back(delta["citation"]);
    return;
  }
  for (const auto& [name, value] : delta.items()) {
    if (name != "type") Grow(block.value, name, value);
  }
}

class MessageAssembler {
 public:
  // One event's data.
  void Add(const json& data) {
    const std::string_view type = StringMember(data, "type");
    if (const json* patch = FindMember(data, kPatchMember)) patch_ = *patch;
    if (type == "message_start") {
      const json* message = FindMember(data, "message");
      if (message != nullptr && message->is_object()) stream_.message = *message;
    } else if (type == "content_block_start") {
      const json* block = FindMember(data, "content_block");
      if (block != nullptr && block->is_object()) blocks_[IndexOf(data)] = {*block, ""};
    } else if (type == "content_block_delta") {
      const auto block = blocks_.find(IndexOf(data));
      const json* delta = FindMember(data, "delta");
      if (block != blocks_.end() && delta != nullptr) AddDelta(block->second, *delta);
    } else if (type == "message_delta") {
      stream_.told_usage = stream_.told_usage || IsSet(data, "usage");
      AddToMessage(data);
    }
    stream_.has_end_mark = type == "message_stop";
    ended_ = ended_ || stream_.has_end_mark;
  }

  MessageStream Take(std::string_view problem) {
    stream_.problem = problem;
    if (problem.empty() && !stream_.message.is_object()) stream_.problem = "invalid";
    if (stream_.problem.empty() && !ended_) stream_.problem = "no_end";
    if (stream_.problem.empty()) Finish();
    return std::move(stream_);
  }

 private:
  static std::uint64_t IndexOf(const json& data) { return CountMember(data, "index"); }

  // The latest state of the message; its usage is a sum so far.
  void AddToMessage(const json& data) {
    json& message = stream_.message;
    if (!message.is_object()) return;
    for (const auto& [name, value] : data.items()) {
      if (name == "type" || name == kPatchMember) continue;
      if (name == "delta" && value.is_object()) {
        message.update(value);
      } else if (name == "usage" && value.is_object() && message["usage"].is_object()) {
        UpdateUsage(message["usage"], value);
      } else {
        message[name] = value;
      }
    }
  }

  static void UpdateUsage(json& usage, const json& added) {
    for (const auto& [name, value] : added.items()) {
      if (!value.is_null() || !usage.contains(name)) usage[name] = value;
    }
  }

  void Finish() {
    json& content = stream_.message["content"];
    if (!blocks_.empty() || !content.is_array()) content = json::array();
    for (auto& [index, block] : blocks_) {
      if (block.input.find_first_not_of(" \t\r\n") != std::string::npos) {
        std::optional<json> input = ParseAnswer(block.input);
        if (!input) stream_.problem = "bad_arguments";
        if (input) block.value["input"] = *std::move(input);
      }
      content.push_back(std::move(block.value));
    }
    if (!ApplyPatch(patch_, stream_.message).ok()) stream_.problem = "invalid";
  }

  MessageStream stream_;
  std::map<std::uint64_t, Block> blocks_;  // by index
  json patch_;
  bool ended_ = false;
};

}  // namespace

MessageStream ReadMessageStream(const std::vector<Event>& events) {
  MessageAssembler assembler;
  AnswerParser parser(kMaxMadeDepth);
  std::string_view problem;
  for (const Event& event : events) {
    const std::optional<json> data = parser.Parse(event.data);
    if (!data || !data->is_object()) {
      problem = parser.problem();
      break;
    }
    if (event.name == "error" || StringMember(*data, "type") == "error" || IsSet(*data, "error")) {
      problem = "error";
      break;
    }
    assembler.Add(*data);
  }
  return assembler.Take(problem);
}

}  // namespace larder::client
