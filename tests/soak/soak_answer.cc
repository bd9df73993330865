#include "soak_answer.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace larder::testing {
namespace {

using Json = nlohmann::ordered_json;

struct Event {
  std::string name;  // empty: none
  std::string data;
  bool operator==(const Event&) const = default;
};

// SplitMix64.
std::uint64_t Next(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Mostly short, now and then far beyond one buffer.
std::size_t TextBytes(std::uint64_t choice) {
  const std::uint64_t kind = choice % 1000;
  const std::uint64_t within = choice / 1000;
  if (kind < 700) return 50 + within % 800;
  if (kind < 960) return 1'000 + within % 15'000;
  if (kind < 995) return 20'000 + within % 60'000;
  return 100'000 + within % 200'000;
}

// The text of an answer as its stream tells it.
std::vector<std::string> TextPieces(const SoakAuthor& author) {
  static constexpr const char* kWords[] = {
      " larder",      " \"quoted\"",  " gr\xc3\xbc\xc3\x9f",
      "\n",           " back\\slash", " \xe6\x97\xa5\xe6\x9c\xac",
      " \t",          " a",           " {\"x\":[1,2]}",
      " data: [DONE]"};
  std::uint64_t state = author.serial;
  const std::size_t bytes = TextBytes(Next(state));
  const std::size_t piece_bytes = bytes < 2'000 ? 40 : bytes / 50;
  std::vector<std::string> pieces = {"answer " + std::to_string(author.serial) + " for " +
                                     author.whose + ":"};
  for (std::size_t written = 0; written < bytes;) {
    std::string piece;
    while (piece.size() < piece_bytes) piece += kWords[Next(state) % std::size(kWords)];
    piece += std::to_string(Next(state));
    written += piece.size();
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::string Text(const SoakAuthor& author) {
  std::string text;
  for (const std::string& piece : TextPieces(author)) text += piece;
  return text;
}

std::uint64_t InputTokens(const SoakAuthor& author) { return 10 + author.serial % 90; }
std::uint64_t OutputTokens(const SoakAuthor& author) { return 5 + author.serial % 50; }
std::uint64_t Created(const SoakAuthor& author) { return 1'700'000'000 + author.serial % 100'000; }

Json ChatUsage(const SoakAuthor& author) {
  return {{"prompt_tokens", InputTokens(author)},
          {"completion_tokens", OutputTokens(author)},
          {"total_tokens", InputTokens(author) + OutputTokens(author)}};
}

Json ChatJson(const SoakAuthor& author) {
  return {{"id", "chatcmpl-" + std::to_string(author.serial)},
          {"object", "chat.completion"},
          {"created", Created(author)},
          {"model", author.model},
          {"choices",
           {{{"index", 0},
             {"message", {{"role", "assistant"}, {"content", Text(author)}}},
             {"finish_reason", "stop"}}}},
          {"usage", ChatUsage(author)}};
}

Json MessagesJson(const SoakAuthor& author) {
  return {
      {"id", "msg_" + std::to_string(author.serial)},
      {"type", "message"},
      {"role", "assistant"},
      {"model", author.model},
      {"content", {{{"type", "text"}, {"text", Text(author)}}}},
      {"stop_reason", "end_turn"},
      {"stop_sequence", nullptr},
      {"usage", {{"input_tokens", InputTokens(author)}, {"output_tokens", OutputTokens(author)}}}};
}

Json WholeJson(SoakDialect dialect, const SoakAuthor& author) {
  return dialect == SoakDialect::kChat ? ChatJson(author) : MessagesJson(author);
}

std::vector<Event> ChatEvents(const SoakAuthor& author, bool usage) {
  Json chunk = {{"id", "chatcmpl-" + std::to_string(author.serial)},
                {"object", "chat.completion.chunk"},
                {"created", Created(author)},
                {"model", author.model}};
  std::vector<Event> events;
  const auto add = [&](Json delta, Json finish) {
    chunk["choices"] = Json::array(
        {{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}});
    events.push_back({"", chunk.dump()});
  };
  add({{"role", "assistant"}, {"content", ""}}, nullptr);
  for (const std::string& piece : TextPieces(author)) add({{"content", piece}}, nullptr);
  add(Json::object(), "stop");
  if (usage) {
    chunk["choices"] = Json::array();
    chunk["usage"] = ChatUsage(author);
    events.push_back({"", chunk.dump()});
  }
  events.push_back({"", "[DONE]"});
  return events;
}

std::vector<Event> MessagesEvents(const SoakAuthor& author) {
  std::vector<Event> events;
  const auto add = [&](const char* name, Json data) {
    Json whole = {{"type", name}};
    whole.update(data);
    events.push_back({name, whole.dump()});
  };
  Json message = MessagesJson(author);
  message["content"] = Json::array();
  message["stop_reason"] = nullptr;
  message["usage"]["output_tokens"] = 1;
  add("message_start", {{"message", message}});
  add("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}});
  for (const std::string& piece : TextPieces(author)) {
    add("content_block_delta",
        {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", piece}}}});
  }
  add("content_block_stop", {{"index", 0}});
  add("message_delta", {{"delta", {{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}}},
                        {"usage", {{"output_tokens", OutputTokens(author)}}}});
  add("message_stop", Json::object());
  return events;
}

std::vector<Event> EventsOf(const SoakForm& form, const SoakAuthor& author) {
  return form.dialect == SoakDialect::kChat ? ChatEvents(author, form.usage)
                                            : MessagesEvents(author);
}

// Comments are left out. What is no whole event stands as an event of its own.
std::vector<Event> ReadEvents(std::string_view body) {
  std::vector<Event> events;
  while (!body.empty()) {
    const std::size_t end = body.find(kEndOfEvent);
    std::string_view block = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + kEndOfEvent.size());
    if (end == std::string_view::npos) events.push_back({"unfinished", std::string(block)});
    Event event;
    bool said = false;
    while (!block.empty()) {
      const std::size_t line_end = std::min(block.find('\n'), block.size());
      const std::string_view line = block.substr(0, line_end);
      block.remove_prefix(std::min(line_end + 1, block.size()));
      if (line.starts_with(':')) continue;
      said = true;
      if (line.starts_with("event: "))
        event.name = line.substr(7);
      else if (line.starts_with("data: "))
        event.data += line.substr(6);
      else
        event.name = "odd line";
    }
    if (said) events.push_back(std::move(event));
  }
  return events;
}

// The answer that a stream of chat tells; not an object if it is none. Throws Json::exception if it
// has not the shape of one.
Json FoldChat(const std::vector<Event>& events) {
  if (events.size() < 3 || events.back().data != "[DONE]") return "no [DONE] at its end";
  Json whole;
  std::string text;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const Json chunk = Json::parse(events[i].data, nullptr, false);
    if (!chunk.is_object()) return "an event that is no JSON";
    if (i == 0) whole = chunk;
    for (const char* name : {"id", "object", "created", "model"}) {
      if (chunk.value(name, Json()) != whole.value(name, Json())) return "chunks of two answers";
    }
    if (chunk.contains("usage") && !chunk.at("usage").is_null()) whole["usage"] = chunk.at("usage");
    if (chunk.at("choices").empty()) continue;
    const Json& choice = chunk.at("choices")[0];
    if (choice.at("delta").contains("content"))
      text += choice.at("delta").at("content").get<std::string>();
    whole["choices"] = Json::array({{{"index", choice.at("index")},
                                     {"message", {{"role", "assistant"}, {"content", text}}},
                                     {"finish_reason", choice.at("finish_reason")}}});
  }
  if (whole["object"] == "chat.completion.chunk") whole["object"] = "chat.completion";
  return whole;
}

Json FoldMessages(const std::vector<Event>& events) {
  if (events.empty() || events.back().name != "message_stop") return "no message_stop at its end";
  Json whole;
  for (const Event& event : events) {
    const Json data = Json::parse(event.data, nullptr, false);
    if (!data.is_object() || data.at("type") != event.name) return "an event that is not as named";
    if (event.name == "message_start") {
      if (!whole.is_null()) return "two messages";
      whole = data.at("message");
    } else if (event.name == "content_block_start") {
      whole["content"].push_back(data.at("content_block"));
    } else if (event.name == "content_block_delta") {
      Json& text = whole["content"].at(data.at("index").get<std::size_t>())["text"];
      text = text.get<std::string>() + data.at("delta").at("text").get<std::string>();
    } else if (event.name == "message_delta") {
      whole.update(data.at("delta"));
      whole["usage"].update(data.at("usage"));
    }
  }
  return whole;
}

std::string DifferenceAt(std::string_view got, std::string_view expected) {
  const auto [at, other] = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
  const auto offset = static_cast<std::size_t>(at - got.begin());
  const auto around = [&](std::string_view text) {
    return "\"" + std::string(text.substr(std::min(offset, text.size()), 40)) + "\"";
  };
  return "differs at byte " + std::to_string(offset) + ": " + std::to_string(got.size()) +
         " bytes with " + around(got) + " there, not " + std::to_string(expected.size()) +
         " with " + around(expected);
}

// Equal as JSON values, whatever the order of members.
std::string WrongWithValue(const Json& got, const Json& expected) {
  const nlohmann::json ours = expected;
  const nlohmann::json theirs = got;
  if (theirs == ours) return "";
  return "another value: " + DifferenceAt(theirs.dump(), ours.dump());
}

}  // namespace

std::string MakeSoakAnswer(const SoakForm& form, const SoakAuthor& author) {
  if (!form.stream) return WholeJson(form.dialect, author).dump();
  std::string stream;
  for (const Event& event : EventsOf(form, author)) {
    if (!event.name.empty()) stream += "event: " + event.name + "\n";
    stream += "data: " + event.data;
    stream += kEndOfEvent;
  }
  return stream;
}

std::string WrongWithAnswer(const SoakForm& sent, const SoakForm& wanted, const SoakAuthor& author,
                            std::string_view body, bool verbatim) {
  if (verbatim || (!sent.stream && !wanted.stream)) {
    const std::string expected = MakeSoakAnswer(sent, author);
    return body == expected ? "" : DifferenceAt(body, expected);
  }
  const std::vector<Event> events = wanted.stream ? ReadEvents(body) : std::vector<Event>{};
  if (sent.stream && wanted.stream) {
    if (events == EventsOf(wanted, author)) return "";
    return "other events: " + DifferenceAt(body, MakeSoakAnswer(wanted, author));
  }
  Json expected = WholeJson(wanted.dialect, author);
  if (!wanted.stream) return WrongWithValue(Json::parse(body, nullptr, false), expected);
  if (!wanted.usage) expected.erase("usage");
  try {
    const bool chat = wanted.dialect == SoakDialect::kChat;
    return WrongWithValue(chat ? FoldChat(events) : FoldMessages(events), expected);
  } catch (const Json::exception&) {
    return "events that have not the shape of an answer";
  }
}

}  // namespace larder::testing
