// JSON answer -> chunks, as a provider would have streamed it: the role first, then pieces of
// text, tool calls by index, the finish, the usage, [DONE].
//
// The last chunk holds the patch, if any (answer_patch.h).
#include <algorithm>
#include <utility>

#include "answer_json.h"
#include "answer_patch.h"
#include "chat_assembler.h"
#include "openai_chunks.h"
#include "text_pieces.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Members of every chunk; all others are told once.
bool IsInEveryChunk(std::string_view name) {
  constexpr std::string_view kNames[] = {"id", "created", "model", "system_fingerprint",
                                         "service_tier"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Message members that come in pieces, in the order in which models write them.
constexpr const char* kTexts[] = {"reasoning_content", "reasoning", "content", "refusal"};

// The bytes of text that a token of `logprobs.content` stands for.
std::size_t TokenBytes(const json& token) {
  const json* bytes = FindMember(token, "bytes");
  if (bytes != nullptr && bytes->is_array()) return bytes->size();
  return StringMember(token, "token").size();
}

class Splitter {
 public:
  explicit Splitter(const json& answer) : answer_(answer) {}

  Result<std::vector<Event>> Split() {
    json base = {{"object", "chat.completion.chunk"}};
    json once = json::object();
    for (const auto& [name, value] : answer_.items()) {
      if (name == "choices" || name == "object" || name == kPatchMember) continue;
      if (name == "usage" && value.is_object()) continue;
      (IsInEveryChunk(name) ? base : once)[name] = value;
    }
    said_.Add(base);
    said_.Add(once);
    base_ = Members(base);
    once_ = Members(once);
    const json& choices = answer_["choices"];
    for (std::size_t i = 0; i < choices.size(); ++i) SplitChoice(choices[i], i);

    const json* usage = FindMember(answer_, "usage");
    const bool has_usage = usage != nullptr && usage->is_object();
    if (has_usage) said_.Add({{"usage", *usage}});
    const Result<json> said = said_.Take();
    if (!said.ok()) return said.status();
    // In the last chunk that everyone gets; that with the usage is left out for some.
    AddPatch(*said, answer_, events_.back().data);
    if (has_usage) {
      events_.push_back({"", "{" + base_ + ",\"choices\":[],\"usage\":" + DumpJson(*usage) + "}"});
    }
    events_.push_back({"", "[DONE]"});
    return std::move(events_);
  }

 private:
  // The members of an object as text, without the braces.
  static std::string Members(const json& object) {
    const std::string text = DumpJson(object);
    return text.substr(1, text.size() - 2);
  }

  // One chunk of the choice at hand; `more` are its members beside index and delta.
  void Emit(json delta, const json& more = json::object()) {
    json choice = choice_base_;
    choice["delta"] = std::move(delta);
    choice.update(more);
    std::string data = "{" + base_;
    if (events_.empty() && !once_.empty()) data += "," + once_;
    data += ",\"choices\":[" + DumpJson(choice) + "]}";
    events_.push_back({"", std::move(data)});
    said_.AddChoice(choice, 0);
  }

  void SplitChoice(const json& choice, std::size_t position) {
    const json* index = FindMember(choice, "index");
    choice_base_ = {
        {"index", index != nullptr && index->is_number_integer() ? *index : json(position)},
        {"finish_reason", nullptr}};
    const json* logprobs = FindMember(choice, "logprobs");
    if (logprobs != nullptr) choice_base_["logprobs"] = nullptr;

    const json* found = FindMember(choice, "message");
    const json message = found != nullptr && found->is_object() ? *found : json::object();
    json finish = json::object();
    for (const auto& [name, value] : choice.items()) {
      if (name != "index" && name != "message" && name != "logprobs") finish[name] = value;
    }
    const bool spread = logprobs != nullptr && FindMember(*logprobs, "content") != nullptr &&
                        (*logprobs)["content"].is_array() && !(*logprobs)["content"].empty() &&
                        !StringMember(message, "content").empty();
    if (logprobs != nullptr && !spread) finish["logprobs"] = *logprobs;

    Emit(FirstDelta(message));
    for (const char* name : kTexts) {
      const bool with_logprobs = spread && std::string_view(name) == "content";
      EmitText(name, StringMember(message, name), with_logprobs ? logprobs : nullptr);
    }
    EmitToolCalls(message);
    EmitFunctionCall(message);
    Emit(json::object(), finish);
  }

  // Role, and all that does not come in pieces.
  static json FirstDelta(const json& message) {
    json delta = json::object();
    for (const auto& [name, value] : message.items()) {
      const bool text = value.is_string() &&
                        std::find(std::begin(kTexts), std::end(kTexts), name) != std::end(kTexts);
      if (text) {
        if (name == "content" || value.get_ref<const std::string&>().empty()) delta[name] = "";
      } else if (!(name == "tool_calls" && HasCalls(value)) &&
                 !(name == "function_call" && value.is_object())) {
        delta[name] = value;
      }
    }
    return delta;
  }

  static bool HasCalls(const json& calls) {
    return calls.is_array() && !calls.empty() &&
           std::all_of(calls.begin(), calls.end(), [](const json& c) { return c.is_object(); });
  }

  void EmitText(const char* name, std::string_view text, const json* logprobs) {
    std::size_t sent = 0;         // bytes of text
    std::size_t token = 0;        // tokens of logprobs
    std::size_t token_bytes = 0;  // ... and the text up to there
    while (sent < text.size()) {
      const std::size_t size = PieceSize(text.substr(sent));
      json more = json::object();
      if (logprobs != nullptr) {
        // What belongs to the whole goes with the first piece; a token with the piece it ends in.
        const json& tokens = (*logprobs)["content"];
        const bool last = sent + size == text.size();
        json part = sent == 0 ? *logprobs : json::object();
        json& piece = part["content"] = json::array();
        for (; token < tokens.size(); ++token) {
          token_bytes += TokenBytes(tokens[token]);
          if (!last && token_bytes > sent + size) {
            token_bytes -= TokenBytes(tokens[token]);
            break;
          }
          piece.push_back(tokens[token]);
        }
        more["logprobs"] = std::move(part);
      }
      Emit({{name, text.substr(sent, size)}}, more);
      sent += size;
    }
  }

  // Takes the text of `function.arguments` out of `call`, leaving "" in its place.
  static std::string TakeArguments(json& function) {
    if (StringMember(function, "arguments").empty()) return {};
    return std::exchange(function["arguments"].get_ref<std::string&>(), std::string());
  }

  void EmitToolCalls(const json& message) {
    const json* calls = FindMember(message, "tool_calls");
    if (calls == nullptr || !HasCalls(*calls)) return;
    for (std::size_t i = 0; i < calls->size(); ++i) {
      json call = (*calls)[i];
      call["index"] = i;
      const bool function = FindMember(call, "function") != nullptr;
      const std::string text = function ? TakeArguments(call["function"]) : std::string();
      Emit({{"tool_calls", json::array({std::move(call)})}});
      for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(PieceSize(rest))) {
        const json piece = {{"index", i},
                            {"function", {{"arguments", rest.substr(0, PieceSize(rest))}}}};
        Emit({{"tool_calls", json::array({piece})}});
      }
    }
  }

  void EmitFunctionCall(const json& message) {
    const json* found = FindMember(message, "function_call");
    if (found == nullptr || !found->is_object()) return;
    json call = *found;
    const std::string text = TakeArguments(call);
    Emit({{"function_call", std::move(call)}});
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(PieceSize(rest))) {
      Emit({{"function_call", {{"arguments", rest.substr(0, PieceSize(rest))}}}});
    }
  }

  const json& answer_;
  std::string base_;                      // members of every chunk
  std::string once_;                      // ... and of the first
  json choice_base_;                      // members of every chunk of the choice at hand
  ChatAssembler said_{ChunkKind::kChat};  // what the chunks say so far
  std::vector<Event> events_;
};

}  // namespace

Result<std::vector<Event>> SplitChatAnswer(std::string_view text) {
  const std::optional<json> answer = ParseChoices(text);
  if (!answer) return Status(StatusCode::kDataLoss, "not the answer of a chat");
  return Splitter(*answer).Split();
}

}  // namespace larder::client
