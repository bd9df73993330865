// How requests are written and answers read, for each provider; nothing is lost on the way.
#include "llm_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "llm_embeddings.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Written(const LlmDialect& dialect, const LlmRequest& request, bool stream = false) {
  const Result<std::string> text = dialect.WriteRequest(request, stream);
  EXPECT_OK(text);
  return text.ok() ? json::parse(*text) : json();
}

LlmRequest FullRequest() {
  LlmRequest request;
  request.model = "m";
  request.messages = {
      Message::Of(Role::kSystem, "Be brief."),
      {Role::kUser, {TextPart{"What is this?"}, ImagePart{"data:image/png;base64,AAAA"}}},
      {Role::kAssistant, {ToolCallPart{"call_1", "look", R"({"at":1})"}}},
      {Role::kTool, {ToolResultPart{"call_1", "a cat"}}},
  };
  request.tools = {{"look", "Looks.", R"({"type":"object","properties":{}})"}};
  request.tool_choice = ToolChoice{ToolChoice::Kind::kNamed, "look"};
  request.output = OutputSchema{"animal", R"({"type":"object"})"};
  request.max_output_tokens = 100;
  request.temperature = 0.5;
  request.top_p = 0.9;
  request.stop = {"END"};
  request.reasoning_effort = "low";
  request.reasoning_tokens = 1024;
  request.extra = R"({"seed":7})";
  return request;
}

TEST(LlmDialectTest, OpenAiRequestIsAsTheApiWantsIt) {
  EXPECT_EQ(Written(OpenAiLlm(), FullRequest(), /*stream=*/true), json::parse(R"({
    "model": "m",
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
      {"role": "assistant", "tool_calls": [
        {"id": "call_1", "type": "function",
         "function": {"name": "look", "arguments": "{\"at\":1}"}}]},
      {"role": "tool", "tool_call_id": "call_1", "content": "a cat"}],
    "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.",
               "parameters": {"type": "object", "properties": {}}}}],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "response_format": {"type": "json_schema", "json_schema":
        {"name": "animal", "schema": {"type": "object"}, "strict": true}},
    "max_completion_tokens": 100, "temperature": 0.5, "top_p": 0.9, "stop": ["END"],
    "reasoning_effort": "low", "seed": 7,
    "stream": true, "stream_options": {"include_usage": true}})"));
}

TEST(LlmDialectTest, AnthropicRequestIsAsTheApiWantsIt) {
  EXPECT_EQ(Written(AnthropicLlm(), FullRequest(), /*stream=*/true), json::parse(R"({
    "model": "m",
    "system": "Be brief.",
    "messages": [
      {"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                     "data": "AAAA"}}]},
      {"role": "assistant", "content": [
        {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": 1}}]},
      {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "a cat"}]}],
    "tools": [{"name": "look", "description": "Looks.",
               "input_schema": {"type": "object", "properties": {}}}],
    "tool_choice": {"type": "tool", "name": "look"},
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    "max_tokens": 100, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"],
    "thinking": {"type": "enabled", "budget_tokens": 1024}, "seed": 7, "stream": true})"));
}

TEST(LlmDialectTest, ResponsesRequestIsAsTheApiWantsIt) {
  LlmRequest request = FullRequest();
  EXPECT_EQ(OpenAiResponsesLlm().WriteRequest(request, false).status().message(),
            "the Responses API has no stop sequences");
  request.stop.clear();
  EXPECT_EQ(Written(OpenAiResponsesLlm(), request, /*stream=*/true), json::parse(R"({
    "model": "m",
    "input": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]},
      {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{\"at\":1}"},
      {"type": "function_call_output", "call_id": "call_1", "output": "a cat"}],
    "tools": [{"type": "function", "name": "look", "description": "Looks.",
               "parameters": {"type": "object", "properties": {}}}],
    "tool_choice": {"type": "function", "name": "look"},
    "text": {"format": {"type": "json_schema", "name": "animal", "schema": {"type": "object"},
                        "strict": true}},
    "max_output_tokens": 100, "temperature": 0.5, "top_p": 0.9,
    "reasoning": {"effort": "low"}, "seed": 7, "stream": true})"));
}

TEST(LlmDialectTest, ConversationReadFromALoneTextCanGoOn) {
  for (const json& input : {json("Hi"), json::array({{{"role", "user"}, {"content", "Hi"}}})}) {
    Result<LlmRequest> request = OpenAiResponsesLlm().ReadRequest(json({{"input", input}}).dump());
    ASSERT_OK(request);
    EXPECT_EQ(Written(OpenAiResponsesLlm(), *request), json({{"input", input}}));
    request->messages.push_back(Message::Of(Role::kAssistant, "Hello"));
    EXPECT_EQ(Written(OpenAiResponsesLlm(), *request)["input"],
              json::parse(R"([{"role": "user", "content": "Hi"},
                              {"role": "assistant", "content": "Hello"}])"));
  }
}

// Two messages, one of which is a comment; thoughts that only the provider can read; a refusal.
constexpr const char* kItems = R"([
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g"},
    {"type": "message", "id": "m_1", "role": "assistant", "status": "completed",
     "phase": "commentary", "content": [
      {"type": "output_text", "text": "Looking.", "annotations": [], "logprobs": []}]},
    {"type": "function_call", "id": "fc_1", "call_id": "c_1", "name": "look", "arguments": "{}"},
    {"type": "custom_tool_call", "id": "ct_1", "call_id": "c_2", "name": "sh", "input": "ls"},
    {"type": "message", "id": "m_2", "role": "assistant", "status": "completed",
     "phase": "final_answer", "content": [
      {"type": "refusal", "refusal": "No.", "novel": 1},
      {"type": "output_text", "text": "Sorry.", "annotations": []}]},
    {"type": "message", "id": "m_3", "role": "assistant", "content": []}])";

TEST(LlmDialectTest, ItemsOfAResponseAreHandedBackAsTheyCame) {
  const json response = {{"id", "r"}, {"status", "completed"}, {"output", json::parse(kItems)}};
  const Result<LlmAnswer> answer = OpenAiResponsesLlm().ReadAnswer(response.dump());
  ASSERT_OK(answer);
  EXPECT_EQ(answer->text(), "Looking.Sorry.");
  EXPECT_EQ(std::get<RefusalPart>(answer->choices[0].message.parts.at(4)).text, "No.");
  const LlmRequest next{.model = "m", .messages = {answer->choices[0].message}};
  EXPECT_EQ(Written(OpenAiResponsesLlm(), next)["input"], response["output"]);
}

TEST(LlmDialectTest, WhyAResponseEndedIsSaid) {
  const std::string refusal =
      R"({"type":"message","content":[{"type":"refusal","refusal":"No."}]})";
  const std::string call = R"({"type":"function_call","name":"f","arguments":"{}"})";
  const auto finish = [](const std::string& status, const std::string& reason,
                         const std::string& item) {
    const Result<LlmAnswer> answer = OpenAiResponsesLlm().ReadAnswer(
        R"({"status":")" + status + R"(","incomplete_details":{"reason":")" + reason +
        R"("},"output":[)" + item + "]}");
    EXPECT_OK(answer);
    return answer.ok() ? answer->choices.at(0).finish : FinishReason::kOther;
  };
  EXPECT_EQ(finish("completed", "", ""), FinishReason::kStop);
  EXPECT_EQ(finish("completed", "", refusal), FinishReason::kRefusal);
  EXPECT_EQ(finish("completed", "", call), FinishReason::kToolCalls);
  EXPECT_EQ(finish("incomplete", "max_output_tokens", call), FinishReason::kLength);
  EXPECT_EQ(finish("incomplete", "content_filter", call), FinishReason::kContentFilter);
  EXPECT_EQ(finish("incomplete", "novel", call), FinishReason::kOther);
  EXPECT_EQ(finish("failed", "", ""), FinishReason::kOther);
  EXPECT_EQ(OpenAiResponsesLlm().ReadAnswer(R"({"choices":[]})").status().code(),
            StatusCode::kDataLoss);
}

TEST(LlmDialectTest, WhatIsNotJsonIsRefusedByName) {
  const auto complaint = [](const LlmRequest& request) {
    return OpenAiLlm().WriteRequest(request, false).status().message();
  };
  LlmRequest request{.model = "m", .messages = {}};
  request.extra = "[1]";
  EXPECT_EQ(complaint(request), "`extra` is not the text of a JSON object");
  request.extra.clear();
  request.tools = {{"t", "", "{"}};
  EXPECT_EQ(complaint(request), "a tool's schema is not JSON");
  request.tools.clear();
  request.messages = {{Role::kUser, {OtherPart{"nope"}}}};
  EXPECT_EQ(complaint(request), "a part is not JSON");
  EXPECT_EQ(AnthropicLlm()
                .WriteRequest({.model = "m",
                               .messages = {{Role::kSystem, {TextPart{"s"}}, R"({"name":"n"})"}}},
                              false)
                .status()
                .message(),
            "Anthropic has no place for a system's `extra`");
}

TEST(LlmDialectTest, FieldsWithoutAPlaceStayBesideThoseThatHaveOne) {
  const Result<LlmAnswer> answer = OpenAiLlm().ReadAnswer(R"({
    "id": "c", "model": "m", "system_fingerprint": "f", "choices": [{"index": 0, "score": 1,
      "finish_reason": "tool_calls", "logprobs": {"content": []}, "message": {
        "role": "assistant", "content": null, "reasoning_content": "hm", "mood": "good",
        "tool_calls": [{"id": "1", "type": "function", "spark": true,
                        "function": {"name": "f", "arguments": "{}"}}]}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1,
              "prompt_tokens_details": {"cached_tokens": 4},
              "completion_tokens_details": {"reasoning_tokens": 1}, "novel": 2}})");
  ASSERT_OK(answer);
  EXPECT_EQ(json::parse(answer->extra), json({{"system_fingerprint", "f"}}));
  const LlmChoice& choice = answer->choices.at(0);
  EXPECT_EQ(choice.finish, FinishReason::kToolCalls);
  EXPECT_EQ(json::parse(choice.extra)["logprobs"], json({{"content", json::array()}}));
  EXPECT_EQ(json::parse(choice.message.extra)["mood"], "good");
  EXPECT_EQ(std::get<ReasoningPart>(choice.message.parts.at(0)).text, "hm");
  const auto& call = std::get<ToolCallPart>(choice.message.parts.at(1));
  EXPECT_EQ(call.name, "f");
  EXPECT_EQ(json::parse(call.extra), json({{"spark", true}}));
  EXPECT_EQ(answer->usage->cached_input_tokens, 4U);
  EXPECT_EQ(answer->usage->reasoning_tokens, 1U);
  EXPECT_EQ(json::parse(answer->usage->json)["novel"], 2);
}

TEST(LlmDialectTest, ExtraIsMergedIntoWhatIsThere) {
  const ImagePart image{"https://x/i.png", R"({"image_url":{"detail":"low"}})"};
  LlmRequest request{.model = "m", .messages = {{Role::kUser, {image}}}};
  request.extra = R"({"model":"n","stop":{"a":1}})";
  request.stop = {"END"};
  EXPECT_EQ(Written(OpenAiLlm(), request), json::parse(R"({"model":"n","stop":{"a":1},"messages":[
    {"role":"user","content":[{"type":"image_url",
      "image_url":{"url":"https://x/i.png","detail":"low"}}]}]})"));
}

TEST(LlmDialectTest, EachToolsResultIsAMessageOfItsOwnWithOpenAi) {
  const Message results{Role::kTool,
                        {ToolResultPart{"1", "a"}, ToolResultPart{"2", "b"}, TextPart{"c"}}};
  EXPECT_EQ(Written(OpenAiLlm(), {.model = "m", .messages = {results}})["messages"],
            json::parse(R"([{"role":"tool","tool_call_id":"1","content":"a"},
              {"role":"tool","tool_call_id":"2",
               "content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}])"));
  // As Anthropic has them: the user's words behind the results.
  const Message mixed{Role::kUser, {ToolResultPart{"1", "a"}, TextPart{"Well?"}}};
  EXPECT_EQ(Written(OpenAiLlm(), {.model = "m", .messages = {mixed}})["messages"],
            json::parse(R"([{"role":"tool","tool_call_id":"1","content":"a"},
              {"role":"user","content":"Well?"}])"));
}

TEST(LlmDialectTest, ConversationGoesOnWithAnotherProvider) {
  LlmRequest request = FullRequest();
  request.reasoning_effort.clear();  // words of one provider only
  request.reasoning_tokens.reset();
  const Result<std::string> anthropic = AnthropicLlm().WriteRequest(request, false);
  ASSERT_OK(anthropic);
  Result<LlmRequest> read = AnthropicLlm().ReadRequest(*anthropic);
  ASSERT_OK(read);
  read->output->name = "animal";  // which Anthropic does not name
  EXPECT_EQ(Written(OpenAiLlm(), *read), Written(OpenAiLlm(), request));
}

TEST(LlmDialectTest, ToolOfTheProvidersOwnIsWhatItsExtraSays) {
  const json tool = {{"type", "web_search_20250305"}, {"name", "web_search"}, {"max_uses", 2}};
  LlmRequest request{.model = "m", .messages = {}};
  request.tools = {{.name = "", .extra = tool.dump()}};
  EXPECT_EQ(Written(AnthropicLlm(), request)["tools"], json::array({tool}));
  const Result<LlmRequest> read =
      AnthropicLlm().ReadRequest(json({{"tools", json::array({tool})}}).dump());
  ASSERT_OK(read);
  EXPECT_EQ(json::parse(read->tools.at(0).extra), tool);
}

TEST(LlmDialectTest, SeveralThoughtsAndRefusalsAreAllKept) {
  const Message message{Role::kAssistant,
                        {ReasoningPart{"First."}, ReasoningPart{"Then."}, TextPart{"Hi"},
                         RefusalPart{"No."}, RefusalPart{"Never."}}};
  EXPECT_EQ(Written(OpenAiLlm(), {.model = "m", .messages = {message}})["messages"],
            json::parse(R"([{"role":"assistant","reasoning_content":"First.\n\nThen.",
                             "content":"Hi","refusal":"No.\n\nNever."}])"));
}

TEST(LlmDialectTest, ThoughtsGoBackToTheMemberTheyCameIn) {
  for (const char* field : {"reasoning", "reasoning_content"}) {
    const json message = {{"role", "assistant"}, {"content", "Hi"}, {field, "hm"}};
    const Result<LlmRequest> read =
        OpenAiLlm().ReadRequest(json({{"messages", json::array({message})}}).dump());
    ASSERT_OK(read);
    EXPECT_EQ(std::get<ReasoningPart>(read->messages.at(0).parts.at(0)).text, "hm");
    EXPECT_EQ(read->messages.at(0).extra, "");
    EXPECT_EQ(Written(OpenAiLlm(), *read)["messages"].at(0), message);
    // Anthropic is not told what the member was called.
    EXPECT_EQ(Written(AnthropicLlm(), *read)["messages"].at(0)["content"].at(0),
              json({{"type", "thinking"}, {"thinking", "hm"}}));
  }
}

TEST(LlmDialectTest, AnthropicsLimitIsAboveTheReasoning) {
  LlmRequest request{.model = "m", .messages = {}};
  EXPECT_EQ(Written(AnthropicLlm(), request)["max_tokens"], 4096);
  request.reasoning_tokens = 8000;
  EXPECT_EQ(Written(AnthropicLlm(), request)["max_tokens"], 12'096);
  EXPECT_EQ(Written(AnthropicLlm(), request)["thinking"]["budget_tokens"], 8000);
  request.reasoning_tokens = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(Written(AnthropicLlm(), request)["max_tokens"],
            std::numeric_limits<std::int64_t>::max());
  request.reasoning_tokens = -1;
  EXPECT_EQ(Written(AnthropicLlm(), request)["max_tokens"], 4096) << "the API refuses the -1";
  request.max_output_tokens = 9000;
  EXPECT_EQ(Written(AnthropicLlm(), request)["max_tokens"], 9000);
}

TEST(LlmDialectTest, ReasoningIsSaidAsTheProviderTakesIt) {
  LlmRequest request{.model = "m", .messages = {}};
  request.reasoning_tokens = 2000;
  for (const LlmDialect* openai : {&OpenAiLlm(), &OpenAiResponsesLlm()}) {
    const Status status = openai->WriteRequest(request, false).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("reasoning_tokens"));
  }
  request.reasoning_effort = "low";  // for OpenAI; Anthropic has its tokens
  EXPECT_EQ(Written(OpenAiLlm(), request)["reasoning_effort"], "low");
  EXPECT_EQ(Written(AnthropicLlm(), request)["thinking"]["budget_tokens"], 2000);
  EXPECT_FALSE(Written(AnthropicLlm(), request).contains("output_config"));
  request.reasoning_tokens.reset();
  request.output = OutputSchema{"", R"({"type":"object"})"};
  const json config = {{"effort", "low"},
                       {"format", {{"type", "json_schema"}, {"schema", {{"type", "object"}}}}}};
  const json written = Written(AnthropicLlm(), request);
  EXPECT_EQ(written["output_config"], config);
  const Result<LlmRequest> read = AnthropicLlm().ReadRequest(written.dump());
  ASSERT_OK(read);
  EXPECT_EQ(read->reasoning_effort, "low");
  EXPECT_TRUE(read->output);
  EXPECT_EQ(read->extra, "");
}

TEST(LlmDialectTest, WhatNestsTooDeepIsRefused) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const LlmDialect* dialect : {&OpenAiLlm(), &OpenAiResponsesLlm(), &AnthropicLlm()}) {
    EXPECT_EQ(dialect->ReadAnswer(R"({"choices":[],"content":[],"output":[],"x":)" + deep + "}")
                  .status()
                  .code(),
              StatusCode::kDataLoss);
    EXPECT_EQ(dialect->ReadRequest(R"({"messages":1,"input":)" + deep + "}").status().code(),
              StatusCode::kInvalidArgument);
    LlmRequest request{.model = "m", .messages = {}};
    request.extra = R"({"x":)" + deep + "}";
    EXPECT_EQ(dialect->WriteRequest(request, false).status().code(), StatusCode::kInvalidArgument);
    LlmStreamState state;
    Event event;
    event.data = R"({"choices":[{"delta":)" + deep + "}]}";
    EXPECT_TRUE(dialect->ReadEvent(event, state, [](const LlmEvent&) { return false; }));
  }
}

TEST(LlmDialectTest, CachedTokensCountAsInputWithBothProviders) {
  const Result<LlmAnswer> answer = AnthropicLlm().ReadAnswer(R"({"id": "m", "model": "c",
    "content": [{"type": "text", "text": "x"}], "stop_reason": "max_tokens",
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 10,
              "cache_creation_input_tokens": 5, "output_tokens": 2}})");
  ASSERT_OK(answer);
  EXPECT_EQ(answer->usage->input_tokens, 18U);
  EXPECT_EQ(answer->usage->cached_input_tokens, 10U);
  EXPECT_EQ(answer->usage->cache_write_tokens, 5U);
  EXPECT_EQ(answer->choices[0].finish, FinishReason::kLength);
}

std::string Told(const LlmDialect& dialect, const std::vector<std::string>& events) {
  std::string text;
  LlmStreamState state;
  for (const std::string& data : events) {
    Event event;
    event.data = data;
    dialect.ReadEvent(event, state, [&](const LlmEvent& told) {
      text += std::to_string(static_cast<int>(told.kind)) + ":" + std::to_string(told.choice) +
              "/" + std::to_string(told.part) + ":" + std::string(told.id) +
              std::string(told.name) + std::string(told.text) + " ";
      return true;
    });
  }
  return text;
}

TEST(LlmDialectTest, OpenAiEventsAreTold) {
  EXPECT_EQ(
      Told(OpenAiLlm(), {R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})",
                         R"({"choices":[{"index":1,"delta":{"content":"a"}}]})",
                         R"({"choices":[{"index":0,"delta":{"reasoning_content":"b"}}]})",
                         R"({"choices":[{"index":0,"delta":{"reasoning":"c"}}]})",
                         R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"i",)"
                         R"("function":{"name":"n","arguments":""}}]}}]})",
                         R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,)"
                         R"("function":{"arguments":"{}"}}]}}]})",
                         R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})",
                         R"({"choices":[],"usage":{}})", "[DONE]", "{\"choices\":3}", "{"}),
      "0:1/0:a 1:0/0:b 1:0/0:c 3:0/1:in 3:0/1:{} 4:0/0:stop ");
}

TEST(LlmDialectTest, ResponsesEventsAreTold) {
  EXPECT_EQ(
      Told(OpenAiResponsesLlm(),
           {R"({"type":"response.created","response":{"status":"in_progress"}})",
            R"({"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"t"})",
            R"({"type":"response.reasoning_summary_part.added","output_index":0,)"
            R"("summary_index":1})",
            R"({"type":"response.output_item.added","output_index":1,"item":{"type":)"
            R"("function_call","call_id":"i","name":"n","arguments":""}})",
            R"({"type":"response.function_call_arguments.delta","output_index":1,"delta":"{}"})",
            R"({"type":"response.output_item.added","output_index":2,"item":{"type":"message"}})",
            R"({"type":"response.output_text.delta","output_index":2,"delta":"x"})",
            R"({"type":"response.output_text.done","output_index":2,"text":"x"})",
            R"({"type":"response.refusal.delta","output_index":3,"delta":"r"})",
            R"({"type":"response.novel.delta","delta":"y"})",
            R"({"type":"response.incomplete","response":{"status":"incomplete",)"
            R"("incomplete_details":{"reason":"max_output_tokens"}}})",
            "3", "{"}),
      "1:0/0:t 1:0/0:\n\n 3:0/1:in 3:0/1:{} 0:0/2:x 2:0/3:r 4:0/0:max_output_tokens ");
}

TEST(LlmDialectTest, AnthropicEventsAreTold) {
  EXPECT_EQ(
      Told(AnthropicLlm(),
           {R"({"type":"message_start","message":{}})",
            R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking"}})",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta",)"
            R"("thinking":"t"}})",
            R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use",)"
            R"("id":"i","name":"n"}})",
            R"({"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta",)"
            R"("partial_json":"{}"}})",
            R"({"type":"content_block_start","index":3,"content_block":{"type":)"
            R"("server_tool_use","id":"s","name":"web_search"}})",
            R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta",)"
            R"("partial_json":"{}"}})",
            R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"x"}})",
            R"({"type":"content_block_delta","index":2,"delta":{"type":"novel_delta"}})",
            R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})",
            R"({"type":"message_stop"})"}),
      "1:0/0:t 3:0/1:in 3:0/1:{} 0:0/2:x 4:0/0:end_turn ");
}

TEST(LlmEmbeddingsTest, VectorsWithoutAnIndexAreInTheOrderOfTheirInputs) {
  const Result<EmbeddingAnswer> answer =
      ReadEmbeddingAnswer(R"({"data":[{"embedding":[0.5]},{"embedding":[0.25]}]})", 2);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->vectors, (std::vector<std::vector<float>>{{0.5F}, {0.25F}}));
  EXPECT_FALSE(
      ReadEmbeddingAnswer(R"({"data":[{"embedding":[1]},{"index":0,"embedding":[2]}]})", 2).ok());
  EXPECT_FALSE(ReadEmbeddingAnswer(R"({"data":[7]})", 1).ok());
}

}  // namespace
}  // namespace larder::client
