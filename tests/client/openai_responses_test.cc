// Responses: keys, what is stateful, what is stored, and both forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dialect.h"
#include "random_json.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using nlohmann::json;
using testing::HasCode;

const Endpoint& Responses() { return *FindEndpoint("openai.responses"); }

RequestPlan Plan(std::string_view body) { return Responses().Plan(body); }

std::string Reason(std::string_view answer, const StoreRules& rules = {},
                   std::string_view request = "{}") {
  const Verdict verdict = Responses().JudgeJson(Plan(request), rules, answer);
  EXPECT_EQ(verdict.store, verdict.reason.empty());
  return verdict.reason;
}

// A response with this output.
std::string Answer(std::string_view output, std::string_view more = R"("status":"completed")") {
  return R"({"object":"response","error":null,"output":)" + std::string(output) + "," +
         std::string(more) + "}";
}
std::string Message(std::string_view content) {
  return R"([{"type":"message","content":)" + std::string(content) + "}]";
}
const std::string kHello = Message(R"([{"type":"output_text","text":"hello"}])");

TEST(ResponsesPlanTest, WhatIsEchoedBelongsToTheKey) {
  const RequestPlan plan =
      Plan(R"({"model":"m","input":"i","stream":true,"stream_options":{},"user":"u",
               "metadata":{"a":"b"},"service_tier":"auto","max_output_tokens":7})");
  EXPECT_EQ(plan.canonical_body, R"({"input":"i","max_output_tokens":7,"metadata":{"a":"b"},)"
                                 R"("model":"m","service_tier":"auto","user":"u"})");
  EXPECT_TRUE(plan.stream);
  EXPECT_TRUE(plan.wants_usage) << "its streams always report usage";
  EXPECT_TRUE(plan.limited);
}

TEST(ResponsesPlanTest, WhatDependsOnMoreThanTheRequestIsStateful) {
  for (const char* body :
       {R"({"previous_response_id":"resp_1"})", R"({"conversation":{"id":"c"}})",
        R"({"background":true})", R"({"prompt":{"id":"p"}})",
        R"({"prompt":{"id":"p","version":null}})", R"({"tools":[{"type":"web_search"}]})",
        R"({"tools":[{"type":"web_search_preview"}]})",
        R"({"tools":[{"type":"function"},{"type":"file_search"}]})",
        R"({"tools":[{"type":"mcp"}]})", R"({"tools":[{"type":"code_interpreter"}]})",
        R"({"tools":[{"type":"shell"}]})", R"({"tools":[{"type":"image_generation"}]})",
        R"({"tools":[{"type":"not_known_yet"}]})"}) {
    EXPECT_EQ(Plan(body).bypass, "stateful") << body;
  }
  for (const char* body :
       {R"({"previous_response_id":null,"conversation":null,"background":false,"prompt":null})",
        R"({"prompt":{"id":"p","version":"2"}})", R"({"store":true})",
        R"({"tools":[{"type":"function"},{"type":"custom"},{"type":"local_shell"}]})"}) {
    EXPECT_EQ(Plan(body).bypass, "") << body;
  }
}

TEST(ResponsesJudgeTest, WholeResponsesAreStored) {
  EXPECT_EQ(Reason(Answer(kHello)), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"function_call","arguments":"{\"a\":1}"}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"function_call","arguments":""}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"custom_tool_call","input":"not json"}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"reasoning","summary":[{"text":"hm"}]}])")), "");
}

TEST(ResponsesJudgeTest, UnfinishedFailedAndEmptyOnesAreNot) {
  EXPECT_EQ(Reason(Answer(kHello, R"("status":"failed")")), "error");
  EXPECT_EQ(Reason(R"({"output":[],"error":{"code":"server_error"}})"), "error");
  EXPECT_EQ(Reason(Answer("[]", R"("status":"queued")")), "no_end");
  EXPECT_EQ(Reason(Answer(kHello, R"("status":"in_progress")")), "no_end");
  EXPECT_EQ(Reason(Answer("[]")), "empty");
  EXPECT_EQ(Reason(Answer(Message(R"([{"type":"output_text","text":""}])"))), "empty");
  EXPECT_EQ(Reason(Answer(R"([{"type":"reasoning","summary":[]}])")), "empty");
  EXPECT_EQ(Reason(R"({"status":"completed"})"), "invalid");
  EXPECT_EQ(Reason(Answer(R"([{"type":"function_call","arguments":"{\"a"}])")), "bad_arguments");
}

TEST(ResponsesJudgeTest, RefusalsAndIncompleteOnesAreAMatterOfRules) {
  const std::string refusal = Answer(Message(R"([{"type":"refusal","refusal":"no"}])"));
  EXPECT_EQ(Reason(refusal), "refusal");
  EXPECT_EQ(Reason(refusal, {.refusals = true}), "");
  const std::string cut = Answer(
      kHello, R"("status":"incomplete","incomplete_details":{"reason":"max_output_tokens"})");
  EXPECT_EQ(Reason(cut), "incomplete");
  EXPECT_EQ(Reason(cut, {.incomplete = true}), "truncated");
  EXPECT_EQ(Reason(cut, {.incomplete = true}, R"({"max_output_tokens":5})"), "");
  const std::string filtered =
      Answer(kHello, R"("status":"incomplete","incomplete_details":{"reason":"content_filter"})");
  EXPECT_EQ(Reason(filtered, {.incomplete = true}), "content_filter");
  EXPECT_EQ(Reason(filtered, {.content_filter = true}), "");
}

std::vector<Event> Events(const std::vector<std::string>& data) {
  std::vector<Event> events;
  for (const std::string& text : data) {
    const json parsed = json::parse(text, nullptr, false);
    events.push_back({parsed.is_object() ? parsed["type"].get<std::string>() : "", text});
  }
  return events;
}

const std::string kCreated = R"({"type":"response.created","response":{"output":[]}})";
std::string Completed(const std::string& response, const char* type = "response.completed") {
  return R"({"type":")" + std::string(type) + R"(","response":)" + response + "}";
}

TEST(ResponsesStreamTest, TheLastEventHoldsTheAnswer) {
  const auto events = Events({kCreated, Completed(Answer(kHello))});
  EXPECT_TRUE(Responses().JudgeStream({}, {}, events).store);
  EXPECT_TRUE(Responses().JudgeStream({}, {}, events).has_end_mark);
  EXPECT_EQ(json::parse(*Responses().Assemble(events)), json::parse(Answer(kHello)));
}

TEST(ResponsesStreamTest, ItemsThatTheLastEventLacksAreTakenFromTheirOwn) {
  const auto events = Events(
      {kCreated, R"({"type":"response.output_item.done","output_index":1,"item":{"type":"b"}})",
       R"({"type":"response.output_item.done","output_index":0,"item":{"type":"a"}})",
       Completed(Answer("[]")), "[DONE]"});
  EXPECT_EQ(json::parse(*Responses().Assemble(events))["output"],
            json::parse(R"([{"type":"a"},{"type":"b"}])"));
  EXPECT_TRUE(Responses().JudgeStream({}, {}, events).store);
}

TEST(ResponsesStreamTest, CutFailedAndBrokenStreamsAreNotStored) {
  const auto reason = [](const std::vector<Event>& events) {
    EXPECT_THAT(Responses().Assemble(events), HasCode(StatusCode::kDataLoss));
    return Responses().JudgeStream({}, {}, events).reason;
  };
  EXPECT_EQ(reason({}), "no_end");
  EXPECT_EQ(reason(Events({kCreated})), "no_end");
  EXPECT_EQ(reason(Events({kCreated, "[DONE]"})), "no_end");
  EXPECT_EQ(reason(Events({kCreated, "nonsense", Completed(Answer(kHello))})), "invalid");
  EXPECT_EQ(reason(Events({kCreated, R"({"type":"error","message":"x"})"})), "error");
  EXPECT_EQ(reason(Events({kCreated, Completed(Answer(kHello), "response.failed")})), "error");
  EXPECT_EQ(Responses()
                .JudgeStream({}, {},
                             Events({Completed(Answer(kHello, R"("status":"incomplete")"),
                                               "response.incomplete")}))
                .reason,
            "incomplete");
}

TEST(ResponsesSplitTest, EventsComeAsOpenAiSendsThem) {
  const auto events =
      Responses().Split(R"({"id":"r","status":"completed","usage":{"input_tokens":1},
      "output":[{"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
                {"id":"msg","type":"message","status":"completed","role":"assistant","content":[
                  {"type":"output_text","text":"Hi","annotations":[{"url":"u"}],"logprobs":[]}]},
                {"id":"fc","type":"function_call","status":"completed","name":"f","arguments":"{}"}]})");
  ASSERT_OK(events);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < events->size(); ++i) {
    const json data = json::parse((*events)[i].data);
    EXPECT_EQ(data["type"], (*events)[i].name);
    EXPECT_EQ(data["sequence_number"], i);
    names.push_back((*events)[i].name.substr(std::string("response.").size()));
  }
  EXPECT_THAT(names,
              ::testing::ElementsAre(
                  "created", "in_progress", "output_item.added", "reasoning_summary_part.added",
                  "reasoning_summary_text.delta", "reasoning_summary_text.done",
                  "reasoning_summary_part.done", "output_item.done", "output_item.added",
                  "content_part.added", "output_text.delta", "output_text.annotation.added",
                  "output_text.done", "content_part.done", "output_item.done", "output_item.added",
                  "function_call_arguments.delta", "function_call_arguments.done",
                  "output_item.done", "completed"));
  const json created = json::parse(events->front().data)["response"];
  EXPECT_EQ(created["status"], "in_progress");
  EXPECT_EQ(created["output"], json::array());
  EXPECT_EQ(created["usage"], nullptr);
  const json added = json::parse((*events)[8].data)["item"];
  EXPECT_EQ(added["content"], json::array());
}

TEST(ResponsesSplitTest, WhatIsNotAWholeResponseIsDataLoss) {
  for (const char* text :
       {"", "[]", "{}", R"({"output":[]})", R"({"output":{"a":1}})",
        R"({"output":[{}],"status":"failed"})", R"({"output":[{}],"status":"queued"})"}) {
    EXPECT_THAT(Responses().Split(text), HasCode(StatusCode::kDataLoss)) << text;
  }
}

TEST(ResponsesSplitTest, AnyResponseComesBackWhole) {
  constexpr unsigned kSeed = 2029;
  testing::RandomJson random(kSeed);
  constexpr const char* kTypes[] = {"message", "reasoning", "function_call", "custom_tool_call",
                                    "new_call"};
  for (int i = 0; i < 1000; ++i) {
    json answer = {{"object", random.Mostly("response")}, {"output", json::array()}};
    if (!random.OneIn(8)) answer["status"] = random.OneIn(3) ? "incomplete" : "completed";
    for (const char* name : {"id", "usage", "incomplete_details", "error", "text", "obfuscation"}) {
      if (random.OneIn(2)) answer[name] = random.Value(2);
    }
    for (std::size_t c = 0, n = 1 + random.Next64() % 3; c < n; ++c) {
      json item = {{"type", random.Mostly(kTypes[random.Next64() % 5])}};
      for (const char* name : {"id", "status", "arguments", "input", "content", "summary"}) {
        if (random.OneIn(2)) item[name] = random.Value(3);
      }
      json part = {{"type", random.OneIn(2) ? "output_text" : "reasoning_text"},
                   {"text", random.Mostly(random.Text())},
                   {"annotations", random.Value(2)}};
      if (random.OneIn(2)) item["content"] = json::array({part});
      if (random.OneIn(2)) item["arguments"] = random.Text();
      answer["output"].push_back(item);
    }
    const auto events = Responses().Split(answer.dump());
    ASSERT_OK(events) << "seed " << kSeed << " answer " << i << ": " << answer;
    const Result<std::string> back = Responses().Assemble(*events);
    ASSERT_OK(back) << "seed " << kSeed << " answer " << i << ": " << answer;
    ASSERT_EQ(json::parse(*back), answer) << "seed " << kSeed << " answer " << i;
  }
}

}  // namespace
}  // namespace larder::client
