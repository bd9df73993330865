// Chat completions from one form into the other and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dialect.h"
#include "random_json.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Endpoint& Chat() { return *FindEndpoint("openai.chat"); }

json Assembled(const std::vector<json>& chunks) {
  std::vector<Event> events;
  for (const json& chunk : chunks) events.push_back({"", chunk.dump()});
  events.push_back({"", "[DONE]"});
  const Result<std::string> answer = Chat().Assemble(events);
  EXPECT_OK(answer);
  return answer.ok() ? json::parse(*answer) : json();
}

// A chunk of choice 0 with this delta.
json Delta(const char* delta) {
  return {{"choices", {{{"index", 0}, {"delta", json::parse(delta)}, {"finish_reason", nullptr}}}}};
}

json Message(const std::vector<const char*>& deltas) {
  std::vector<json> chunks;
  for (const char* delta : deltas) chunks.push_back(Delta(delta));
  return Assembled(chunks)["choices"][0]["message"];
}

TEST(ChatAssembleTest, TextContinues) {
  EXPECT_EQ(Message({R"({"role":"assistant","content":"","refusal":null})", R"({"content":"Hel"})",
                     R"({"content":"lo","reasoning_content":"h","unknown":{"text":"a"}})",
                     R"({"role":"assistant","reasoning_content":"m","unknown":{"text":"b"}})",
                     R"({"content":null})"}),
            json::parse(R"({"role":"assistant","content":"Hello","refusal":null,
                            "reasoning_content":"hm","unknown":{"text":"ab"}})"));
}

TEST(ChatAssembleTest, CallsMergeByIndex) {
  EXPECT_EQ(Message({R"({"content":null,"tool_calls":[{"index":0,"id":"a","type":"function",
                         "function":{"name":"f","arguments":""}}]})",
                     R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]})",
                     R"({"tool_calls":[{"index":1,"id":"b","type":"function",
                         "function":{"name":"g","arguments":"{}"}}]})",
                     R"({"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]})"}),
            json::parse(R"({"role":"assistant","content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
                {"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]})"));
}

TEST(ChatAssembleTest, WhatProvidersRepeatIsNotDoubled) {
  EXPECT_EQ(Message({R"({"role":"assistant","channel":"analysis","tool_calls":[{"index":0,
                         "id":"a","type":"function","function":{"name":"f","arguments":""}}]})",
                     R"({"role":"assistant","channel":"analysis","tool_calls":[{"index":0,
                         "id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]})",
                     R"({"tool_calls":[{"index":0,"id":"","function":{"arguments":"{}"}}]})"}),
            json::parse(R"({"role":"assistant","channel":"analysis","tool_calls":[
                {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]})"));
}

TEST(ChatAssembleTest, CallsThatShareAnIndexOrHaveNoneStayApart) {
  const json calls = json::parse(R"([{"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}},
                                     {"id":"b","function":{"name":"f","arguments":"{\"b\":1}"}}])");
  EXPECT_EQ(
      Message(
          {R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}}]})",
           R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{\"b\""}}]})",
           R"({"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]})"})["tool_calls"],
      calls);
  EXPECT_EQ(
      Message({R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}}]})",
               R"({"tool_calls":[{"id":"b","function":{"name":"f","arguments":"{\"b\""}}]})",
               R"({"tool_calls":[{"function":{"arguments":":1}"}}]})"})["tool_calls"],
      calls);
  EXPECT_EQ(
      Message(
          {R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}},
                                       {"index":0,"id":"b","function":{"name":"f","arguments":"{\"b\":1}"}}]})"})
          ["tool_calls"],
      calls);
}

TEST(ChatAssembleTest, PiecesOfACallWithinOneDeltaAreOneCall) {
  const json call = json::parse(R"([{"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}}])");
  EXPECT_EQ(Message({R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}},
                                       {"index":0,"function":{"arguments":"{\"a\""}},
                                       {"index":0,"function":{"arguments":":1}"}}]})"})
                ["tool_calls"],
            call)
      << "of the first";
  EXPECT_EQ(
      Message({R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]})",
               R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}},
                                       {"index":0,"function":{"arguments":":1}"}}]})"})
          ["tool_calls"],
      call)
      << "of a later one";
  EXPECT_EQ(Message({R"({"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}},
                                       {"index":0,"function":{"name":"f","arguments":"{}"}}]})"})
                ["tool_calls"]
                    .size(),
            2U)
      << "each with a name, and nothing that says they are one";
}

TEST(ChatAssembleTest, ListsGrowByIndexAndElseAtTheirEnd) {
  EXPECT_EQ(
      Message(
          {R"({"reasoning_details":[{"index":0,"type":"reasoning.text","format":"v1","text":"a"}],
                         "annotations":[{"type":"url_citation","url":"1"}]})",
           R"({"reasoning_details":[{"index":0,"type":"reasoning.text","format":"v1","text":"b"}],
                         "annotations":[{"type":"url_citation","url":"2"}]})",
           R"({"reasoning_details":[{"index":0,"type":"reasoning.encrypted","data":"x"}]})"}),
      json::parse(R"({"role":"assistant","annotations":[{"type":"url_citation","url":"1"},
                {"type":"url_citation","url":"2"}],"reasoning_details":[
                {"index":0,"type":"reasoning.text","format":"v1","text":"ab"},
                {"index":0,"type":"reasoning.encrypted","data":"x"}]})"));
}

TEST(ChatAssembleTest, ContentOfPartsAndTextBecomesParts) {
  EXPECT_EQ(Message({R"({"content":""})",
                     R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]}]})",
                     R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"m"}]}]})",
                     R"({"content":"4"})", R"({"content":"2"})"})["content"],
            json::parse(R"([{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},
                            {"type":"text","text":"42"}])"));
}

TEST(ChatAssembleTest, OutsideDeltasTheLatestHoldsAndListsOfAChoiceGrow) {
  const json answer =
      Assembled({json::parse(R"({"id":"","model":"","object":"","created":0,"choices":[],
                       "prompt_filter_results":[{"a":1}],"citations":["x"]})"),
                 json::parse(R"({"id":"c","model":"m","object":"chat.completion.chunk","created":7,
           "provider":"P","usage":null,"citations":["x"],"obfuscation":"pad","choices":[{"index":0,
           "delta":{"role":"assistant","content":"a"},"finish_reason":null,"token_ids":[1],
           "content_filter_results":{"hate":{"severity":"safe"}},
           "logprobs":{"content":[{"token":"a"}],"refusal":null}}]})"),
                 json::parse(R"({"id":"c","model":"m","object":"chat.completion.chunk","created":7,
           "provider":"P","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop",
           "content_filter_results":{"hate":{"severity":"safe"},"violence":{"severity":"low"}},
           "token_ids":[2],"logprobs":{"content":[{"token":"b"}],"refusal":null}}]})"),
                 json::parse(R"({"id":"c","choices":[],"usage":{"prompt_tokens":1}})")});
  EXPECT_EQ(answer, json::parse(R"({"id":"c","model":"m","object":"chat.completion","created":7,
      "provider":"P","prompt_filter_results":[{"a":1}],"citations":["x"],
      "usage":{"prompt_tokens":1},"choices":[{"index":0,"message":{"role":"assistant",
      "content":"ab"},"finish_reason":"stop","token_ids":[1,2],
      "content_filter_results":{"hate":{"severity":"safe"},"violence":{"severity":"low"}},
      "logprobs":{"content":[{"token":"a"},{"token":"b"}],"refusal":null}}]})"));
}

TEST(ChatAssembleTest, ChoicesAreToldApartAndOrdered) {
  const json answer =
      Assembled({json::parse(R"({"choices":[{"index":1,"delta":{"content":"b"}}]})"),
                 json::parse(R"({"choices":[{"index":0,"delta":{"content":"a"}},
                                  {"index":1,"delta":{"content":"b"}}]})")});
  ASSERT_EQ(answer["choices"].size(), 2u);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "a");
  EXPECT_EQ(answer["choices"][1]["message"]["content"], "bb");
}

TEST(ChatAssembleTest, WhatIsNotAWholeStreamIsDataLoss) {
  using testing::HasCode;
  const auto assemble = [](const char* data) { return Chat().Assemble({{"", data}}); };
  EXPECT_THAT(Chat().Assemble({}), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(assemble("[DONE]"), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(assemble("{"), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(assemble("7"), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(assemble(R"({"error":{}})"), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(
      assemble(R"({"choices":[{"delta":{}}],"larder_patch":[{"op":"remove","path":"/x"}]})"),
      HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(assemble(R"({"choices":[{"delta":{}}],"larder_patch":"x"})"),
              HasCode(StatusCode::kDataLoss));
}

std::vector<json> Chunks(const json& answer) {
  const auto events = Chat().Split(answer.dump());
  EXPECT_OK(events);
  std::vector<json> chunks;
  if (!events.ok()) return chunks;
  EXPECT_EQ(events->back().data, "[DONE]");
  for (const Event& event : *events) {
    EXPECT_EQ(event.name, "");
    if (event.data != "[DONE]") chunks.push_back(json::parse(event.data));
  }
  return chunks;
}

TEST(ChatSplitTest, SaysRoleTextFinishUsageDone) {
  const json answer = json::parse(R"({"id":"c","object":"chat.completion","created":7,"model":"m",
      "choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},
      "logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1},"extra":[1]})");
  EXPECT_THAT(
      Chunks(answer),
      ElementsAre(json::parse(R"({"id":"c","object":"chat.completion.chunk","created":7,"model":"m",
              "extra":[1],"choices":[{"index":0,"logprobs":null,"finish_reason":null,
              "delta":{"role":"assistant","content":"","refusal":null}}]})"),
                  json::parse(R"({"id":"c","object":"chat.completion.chunk","created":7,"model":"m",
              "choices":[{"index":0,"logprobs":null,"finish_reason":null,
              "delta":{"content":"Hello"}}]})"),
                  json::parse(R"({"id":"c","object":"chat.completion.chunk","created":7,"model":"m",
              "choices":[{"index":0,"logprobs":null,"finish_reason":"stop","delta":{}}]})"),
                  json::parse(R"({"id":"c","object":"chat.completion.chunk","created":7,"model":"m",
              "choices":[],"usage":{"prompt_tokens":1}})")));
  EXPECT_EQ(Chat().UsageEvent(*Chat().Split(answer.dump())), 3u);
}

TEST(ChatSplitTest, TextIsCutAtWordsAndNeverWithinACharacter) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "words of text ";
  for (int i = 0; i < 200; ++i) text += "漢";
  const json answer = {{"choices", {{{"index", 0}, {"message", {{"content", text}}}}}}};
  std::string joined;
  for (const json& chunk : Chunks(answer)) {
    const json& delta = chunk["choices"][0]["delta"];
    if (!delta.contains("content")) continue;
    const std::string piece = delta["content"];  // parsed strictly, so it is whole UTF-8
    EXPECT_LE(piece.size(), 64u);
    if (!piece.empty() && !joined.empty() && joined.size() < 800) {
      EXPECT_EQ(piece[0], ' ') << "cut within a word";
    }
    joined += piece;
  }
  EXPECT_EQ(joined, text);
}

TEST(ChatSplitTest, LogProbabilitiesComeWithTheirText) {
  json tokens = json::array();
  std::string text;
  for (int i = 0; i < 40; ++i) {
    const std::string token = " token" + std::to_string(i);
    text += token;
    tokens.push_back({{"token", token}, {"logprob", -0.25 * i}});
  }
  const json answer = {{"choices",
                        {{{"index", 0},
                          {"message", {{"content", text}}},
                          {"logprobs", {{"content", tokens}, {"refusal", nullptr}}}}}}};
  for (const json& chunk : Chunks(answer)) {
    const json& choice = chunk["choices"][0];
    const std::string piece = choice["delta"].value("content", "");
    std::string said;
    if (choice["logprobs"].is_object()) {
      for (const json& token : choice["logprobs"]["content"]) said += token["token"];
    }
    EXPECT_EQ(said, piece);  // tokens begin with blanks, where pieces do, too
  }
}

TEST(ChatSplitTest, CallsComeNamedFirstThenTheirArguments) {
  const std::string arguments = R"({"location":")" + std::string(100, 'x') + "\"}";
  const json answer = {{"choices",
                        {{{"index", 0},
                          {"finish_reason", "tool_calls"},
                          {"message",
                           {{"role", "assistant"},
                            {"content", nullptr},
                            {"tool_calls",
                             {{{"id", "a"},
                               {"type", "function"},
                               {"function", {{"name", "f"}, {"arguments", arguments}}}},
                              {{"id", "b"},
                               {"type", "function"},
                               {"function", {{"name", "g"}, {"arguments", ""}}}}}}}}}}}};
  const std::vector<json> chunks = Chunks(answer);
  ASSERT_EQ(chunks.size(), 6u);
  const auto call = [&](std::size_t i) {
    return chunks[i]["choices"][0]["delta"]["tool_calls"][0];
  };
  EXPECT_EQ(call(1), json::parse(R"({"index":0,"id":"a","type":"function",
                                     "function":{"name":"f","arguments":""}})"));
  EXPECT_EQ(call(2), json({{"index", 0}, {"function", {{"arguments", arguments.substr(0, 64)}}}}));
  EXPECT_EQ(call(3), json({{"index", 0}, {"function", {{"arguments", arguments.substr(64)}}}}));
  EXPECT_EQ(call(4)["index"], 1);
}

TEST(ChatSplitTest, OrdinaryAnswersNeedNoPatchAndOthersGetOne) {
  EXPECT_THAT(json(Chunks(json::parse(R"({"object":"chat.completion","choices":[{"index":0,
      "message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]})")))
                  .dump(),
              ::testing::Not(HasSubstr("larder_patch")));
  const json odd = json::parse(R"({"choices":[{"message":{"content":"a"}}],"larder_patch":[]})");
  const std::vector<json> chunks = Chunks(odd);
  EXPECT_TRUE(chunks.back().contains("larder_patch"));
  EXPECT_EQ(Assembled(chunks), odd);
}

TEST(ChatSplitTest, WhatIsNotAChatIsDataLoss) {
  for (const char* text : {"", "{", "[]", "{}", R"({"choices":[]})", R"({"choices":{}})",
                           R"({"choices":[1]})", R"({"choices":null})"}) {
    EXPECT_THAT(Chat().Split(text), testing::HasCode(StatusCode::kDataLoss)) << text;
  }
}

// Answers of any shape, made of the names and values that trip a converter.
class Answers : private testing::RandomJson {
 public:
  using RandomJson::RandomJson;

  json Next() {
    json answer = json::object();
    for (const char* name : {"id", "object", "created", "model", "system_fingerprint", "usage",
                             "provider", "larder_patch", "obfuscation", "x_groq", "citations"}) {
      if (OneIn(2)) answer[name] = Value(2);
    }
    if (OneIn(2)) answer["object"] = "chat.completion";
    if (OneIn(2)) answer["usage"] = {{"prompt_tokens", Next64() % 100}, {"details", Value(1)}};
    json choices = json::array();
    for (std::size_t i = 0, n = 1 + Next64() % 3; i < n; ++i) choices.push_back(Choice(i));
    answer["choices"] = choices;
    return answer;
  }

 private:
  json Choice(std::size_t i) {
    json choice = json::object();
    if (!OneIn(8)) choice["index"] = OneIn(6) ? Value(0) : json(i);
    if (!OneIn(8)) choice["finish_reason"] = OneIn(4) ? json() : json("stop");
    if (OneIn(2)) choice["logprobs"] = OneIn(2) ? LogProbs() : Value(3);
    for (const char* name :
         {"content_filter_results", "native_finish_reason", "token_ids", "text", "delta"}) {
      if (OneIn(5)) choice[name] = Value(2);
    }
    if (!OneIn(20)) choice["message"] = MessageOf();
    return choice;
  }

  json MessageOf() {
    json message = json::object();
    if (!OneIn(8)) message["role"] = "assistant";
    for (const char* name : {"content", "refusal", "reasoning", "reasoning_content"}) {
      if (OneIn(2)) message[name] = OneIn(4) ? Value(3) : json(Text());
    }
    for (const char* name : {"audio", "annotations", "reasoning_details", "name", "type", "unknown",
                             "thinking", "obfuscation", "larder_patch"}) {
      if (OneIn(5)) message[name] = Value(3);
    }
    if (OneIn(2)) message["tool_calls"] = OneIn(6) ? Value(2) : Calls();
    if (OneIn(4)) message["function_call"] = OneIn(4) ? Value(2) : Function();
    return message;
  }

  json Function() {
    json function = json::object();
    if (!OneIn(6)) function["name"] = OneIn(6) ? Value(0) : json("f");
    if (!OneIn(6)) function["arguments"] = OneIn(6) ? Value(1) : json(json({{"a", Text()}}).dump());
    return function;
  }

  json Calls() {
    json calls = json::array();
    for (std::size_t i = 0, n = Next64() % 4; i < n; ++i) {
      json call = {{"id", OneIn(3) ? "same" : "call_" + std::to_string(i)}, {"type", "function"}};
      if (!OneIn(6)) call["function"] = OneIn(8) ? Value(1) : Function();
      if (OneIn(4)) call["index"] = Value(0);
      if (OneIn(6)) call["custom"] = Value(2);
      calls.push_back(OneIn(20) ? Value(1) : call);
    }
    return calls;
  }

  json LogProbs() {
    json tokens = json::array();
    for (std::size_t i = 0, n = Next64() % 30; i < n; ++i) {
      tokens.push_back({{"token", "tok"}, {"logprob", -0.1 * double(i)}});
      if (OneIn(4)) tokens.back()["bytes"] = json::array({116, 111, 107});
    }
    return {{"content", OneIn(6) ? Value(1) : tokens}, {"refusal", Value(1)}};
  }
};

TEST(ChatSplitTest, AnyAnswerComesBackWhole) {
  constexpr unsigned kSeed = 2026;
  Answers answers(kSeed);
  for (int i = 0; i < 1000; ++i) {
    const json answer = answers.Next();
    const std::string text = answer.dump();
    const auto events = Chat().Split(text);
    ASSERT_OK(events) << "seed " << kSeed << " answer " << i << ": " << text;
    const Result<std::string> back = Chat().Assemble(*events);
    ASSERT_OK(back) << "seed " << kSeed << " answer " << i << ": " << text;
    ASSERT_EQ(json::parse(*back), answer) << "seed " << kSeed << " answer " << i;
    if (i % 20 == 0) {
      ASSERT_EQ(*Chat().Split(text), *events);
    }
    if (answer.contains("usage") && answer["usage"].is_object()) {
      ASSERT_EQ(Chat().UsageEvent(*events), events->size() - 2);
    }
  }
}

}  // namespace
}  // namespace larder::client
