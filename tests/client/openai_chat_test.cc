// Chat completions: what requests mean, which answers may be stored, what is left out of streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "canonical_json.h"
#include "dialect.h"
#include "event_stream.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Endpoint& Chat() { return *FindEndpoint("openai.chat"); }

RequestPlan Plan(std::string_view body) { return Chat().Plan(body); }

std::string JudgeJson(std::string_view answer, std::string_view request = "{}") {
  const Verdict verdict = Chat().JudgeJson(Plan(request), {}, answer);
  EXPECT_EQ(verdict.store, verdict.reason.empty());
  return verdict.store ? "store" : verdict.reason;
}

std::string JudgeStream(std::initializer_list<const char*> data, std::string_view request = "{}") {
  std::vector<Event> events;
  for (const char* text : data) events.push_back({"", text});
  const Verdict verdict = Chat().JudgeStream(Plan(request), {}, events);
  EXPECT_EQ(verdict.store, verdict.reason.empty());
  return verdict.store ? "store" : verdict.reason;
}

// An answer of one choice.
std::string Answer(std::string_view message, std::string_view finish = "stop") {
  return R"({"choices":[{"index":0,"message":)" + std::string(message) + R"(,"finish_reason":")" +
         std::string(finish) + "\"}]}";
}

TEST(ChatPlanTest, EverythingButTheIgnoredFieldsIsKeyed) {
  const RequestPlan plan = Plan(R"({"stream":true,"stream_options":{},"user":"u","metadata":{},
      "safety_identifier":"s","prompt_cache_key":"k","prompt_cache_retention":"24h",
      "service_tier":"flex","seed":1.0,"model":"gpt-4o","new_field":{"user":"kept"}})");
  EXPECT_EQ(plan.bypass, "");
  EXPECT_EQ(plan.canonical_body, R"({"model":"gpt-4o","new_field":{"user":"kept"},"seed":1})");
  EXPECT_THAT(plan.ignored,
              ElementsAre("metadata", "prompt_cache_key", "prompt_cache_retention",
                          "safety_identifier", "service_tier", "stream", "stream_options", "user"));
  EXPECT_EQ(plan.model, "gpt-4o");
}

TEST(ChatPlanTest, BothFormsOfARequestHaveTheSameBody) {
  EXPECT_EQ(
      Plan(R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})").canonical_body,
      Plan(R"({"stream":false,"model":"m"})").canonical_body);
}

TEST(ChatPlanTest, TheFormIsReadFromTheBody) {
  EXPECT_FALSE(Plan("{}").stream);
  EXPECT_TRUE(Plan("{}").wants_usage);
  EXPECT_FALSE(Plan(R"({"stream":"true"})").stream);
  EXPECT_TRUE(Plan(R"({"stream":true})").stream);
  EXPECT_FALSE(Plan(R"({"stream":true})").wants_usage);
  EXPECT_FALSE(Plan(R"({"stream":true,"stream_options":null})").wants_usage);
  EXPECT_FALSE(Plan(R"({"stream":true,"stream_options":{"include_usage":false}})").wants_usage);
  EXPECT_TRUE(
      Plan(R"({"stream":true,"stream_options":{"x":[],"include_usage":true}})").wants_usage);
}

TEST(ChatPlanTest, LimitsAreNoticed) {
  EXPECT_FALSE(Plan("{}").limited);
  EXPECT_FALSE(Plan(R"({"max_tokens":null})").limited);
  EXPECT_TRUE(Plan(R"({"max_tokens":5})").limited);
  EXPECT_TRUE(Plan(R"({"max_completion_tokens":5})").limited);
}

TEST(ChatPlanTest, StatefulRequestsBypass) {
  EXPECT_EQ(Plan(R"({"store":true})").bypass, "stateful");
  EXPECT_EQ(Plan(R"({"web_search_options":{}})").bypass, "stateful");
  EXPECT_EQ(Plan(R"({"store":false,"web_search_options":null})").bypass, "");
}

TEST(ChatPlanTest, WhatIsNotIJsonBypassesAndSaysWhy) {
  const RequestPlan plan = Plan(R"({"secret":1,"secret":2})");
  EXPECT_EQ(plan.bypass, "not-i-json");
  EXPECT_THAT(plan.problem, HasSubstr("duplicate name"));
  EXPECT_THAT(plan.problem, ::testing::Not(HasSubstr("secret")));
  EXPECT_EQ(Plan("").bypass, "not-i-json");
  EXPECT_EQ(Plan("[]").bypass, "not-i-json");
  EXPECT_EQ(Plan(R"({"seed":9007199254740993})").bypass, "not-i-json");
}

TEST(ChatPlanTest, WhatHoldsTooManyValuesBypasses) {
  std::string body = R"({"model":"m","x":[1)";
  for (std::size_t i = 0; i < kMaxJsonValues; ++i) body += ",1";
  EXPECT_EQ(Plan(body + "]}").bypass, "too-complex");
}

TEST(ChatJudgeTest, WholeAnswersAreStored) {
  EXPECT_EQ(JudgeJson(Answer(R"({"role":"assistant","content":"hi"})")), "store");
  EXPECT_EQ(JudgeJson(Answer(R"({"content":"hi"})", "eos")), "store");
  EXPECT_EQ(JudgeJson(R"({"error":null,"choices":[{"message":{"content":"hi"}}]})"), "store");
}

TEST(ChatJudgeTest, WhatIsNotAnAnswerIsNotStored) {
  EXPECT_EQ(JudgeJson(R"({"choices":[{"message":{"content":"hi")"), "invalid");
  EXPECT_EQ(JudgeJson(""), "invalid");
  EXPECT_EQ(JudgeJson("[1]"), "invalid");
  EXPECT_EQ(JudgeJson("{}"), "invalid");
  EXPECT_EQ(JudgeJson(R"({"choices":{}})"), "invalid");
  EXPECT_EQ(JudgeJson(R"({"choices":[{}]})"), "invalid");
  EXPECT_EQ(JudgeJson(R"({"choices":[7]})"), "invalid");
  EXPECT_EQ(JudgeJson(std::string(100'000, '[')), "invalid");
}

TEST(ChatJudgeTest, ErrorsUnder200AreNotStored) {
  EXPECT_EQ(JudgeJson(R"({"error":{"message":"overloaded"}})"), "error");
  EXPECT_EQ(JudgeJson(R"({"error":"x","choices":[{"message":{"content":"hi"}}]})"), "error");
  EXPECT_EQ(JudgeJson(R"({"choices":[{"error":{},"message":{"content":"hi"}}]})"), "error");
  EXPECT_EQ(JudgeStream({R"({"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]})",
                         R"({"error":{"message":"x"}})", "[DONE]"}),
            "error");
}

TEST(ChatJudgeTest, AnswersWithNothingInThemAreNotStored) {
  for (const char* message :
       {"{}", R"({"content":null})", R"({"content":""})", R"({"content":[],"tool_calls":[]})",
        R"({"content":"","refusal":"","audio":{"id":"","data":""},"function_call":{"name":""}})"}) {
    EXPECT_EQ(JudgeJson(Answer(message)), "empty") << message;
  }
  for (const char* message : {R"({"content":" "})", R"({"content":[{"type":"text","text":"hi"}]})",
                              R"({"tool_calls":[{"function":{"name":"f","arguments":""}}]})",
                              R"({"function_call":{"name":"f","arguments":"{}"}})",
                              R"({"audio":{"id":"a"}})", R"({"reasoning_content":"hm"})",
                              R"({"reasoning":"hm"})", R"({"reasoning_details":[{"data":"x"}]})"}) {
    EXPECT_EQ(JudgeJson(Answer(message)), "store") << message;
  }
  EXPECT_EQ(JudgeJson(R"({"choices":[]})"), "empty");
  EXPECT_EQ(JudgeStream({"[DONE]"}), "empty");
}

TEST(ChatJudgeTest, FilteredAndRefusedAnswersAreNotStored) {
  EXPECT_EQ(JudgeJson(Answer(R"({"content":"hi"})", "content_filter")), "content_filter");
  EXPECT_EQ(JudgeJson(R"({"choices":[{"finish_reason":"content_filter"}]})"), "content_filter");
  EXPECT_EQ(JudgeJson(Answer(R"({"content":null,"refusal":"no"})")), "refusal");
  EXPECT_EQ(JudgeStream({R"({"choices":[{"index":0,"delta":{"refusal":"n"}}]})",
                         R"({"choices":[{"index":0,"delta":{"refusal":"o"}}]})", "[DONE]"}),
            "refusal");
}

TEST(ChatJudgeTest, CutAnswersAreStoredIfTheRequestSetTheLimit) {
  const std::string cut = Answer(R"({"content":"hi"})", "length");
  EXPECT_EQ(JudgeJson(cut), "truncated");
  EXPECT_EQ(JudgeJson(cut, R"({"max_tokens":1})"), "store");
  const std::string cut_call =
      Answer(R"({"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":"}}]})", "length");
  EXPECT_EQ(JudgeJson(cut_call, R"({"max_tokens":1})"), "bad_arguments");
}

TEST(ChatJudgeTest, FunctionArgumentsAreEmptyOrJson) {
  const auto call = [](const char* arguments) {
    return Answer(R"({"tool_calls":[{"type":"function","function":{"name":"f","arguments":)" +
                  json(arguments).dump() + "}}]}");
  };
  for (const char* good : {"", " ", "{}", R"({"a":[1]})", "null"}) {
    EXPECT_EQ(JudgeJson(call(good)), "store") << good;
  }
  for (const char* bad : {"{", R"({"a":1}{"b":2})", "{'a':1}", "call"}) {
    EXPECT_EQ(JudgeJson(call(bad)), "bad_arguments") << bad;
  }
  EXPECT_EQ(JudgeJson(Answer(R"({"function_call":{"name":"f","arguments":"{"}})")),
            "bad_arguments");
  EXPECT_EQ(JudgeJson(Answer(R"({"tool_calls":[{"type":"custom","custom":{"input":"{"}}]})")),
            "store");
  EXPECT_EQ(JudgeJson(Answer(R"({"tool_calls":[{"type":"function","function":{"name":"f"}}]})")),
            "store");
}

TEST(ChatJudgeTest, OneBadChoiceSpoilsTheAnswer) {
  EXPECT_EQ(JudgeJson(R"({"choices":[{"message":{"content":"hi"}},
                                     {"message":{"content":""},"finish_reason":"content_filter"}]})"),
            "content_filter");
  EXPECT_EQ(JudgeJson(R"({"choices":[{"message":{"content":"hi"}},{"message":{"content":""}}]})"),
            "store");
}

TEST(ChatJudgeTest, AStreamNeedsItsEnd) {
  constexpr const char* kText = R"({"choices":[{"index":0,"delta":{"content":"hi"}}]})";
  constexpr const char* kFinish = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
  constexpr const char* kSecond = R"({"choices":[{"index":1,"delta":{"content":"hi"}}]})";
  EXPECT_EQ(JudgeStream({kText, kFinish, "[DONE]"}), "store");
  EXPECT_EQ(JudgeStream({kText, kFinish}), "store");
  EXPECT_EQ(JudgeStream({kText, "[DONE]"}), "store");
  EXPECT_EQ(JudgeStream({kText}), "no_end");
  EXPECT_EQ(JudgeStream({}), "no_end");
  EXPECT_EQ(JudgeStream({kText, kSecond, kFinish}), "no_end");
  EXPECT_EQ(JudgeStream({kText, kFinish}, R"({"n":2})"), "no_end");
  EXPECT_EQ(JudgeStream({kText, kFinish, R"({"choices":[{"ind)"}), "invalid");
  EXPECT_EQ(JudgeStream({kText, kFinish, "[DONE"}), "invalid");
  EXPECT_EQ(JudgeStream({kText, kFinish, "7", "[DONE]"}), "invalid");
}

TEST(ChatJudgeTest, UsageAndModelAreRead) {
  const Verdict verdict = Chat().JudgeJson({}, {}, R"({"model":"gpt-4o-2024-08-06",
      "choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":10,"completion_tokens":3,
      "prompt_tokens_details":{"cached_tokens":4}}})");
  ASSERT_TRUE(verdict.usage);
  EXPECT_EQ(verdict.usage->input_tokens, 10u);
  EXPECT_EQ(verdict.usage->cached_input_tokens, 4u);
  EXPECT_EQ(verdict.usage->output_tokens, 3u);
  EXPECT_EQ(verdict.model, "gpt-4o-2024-08-06");
  const Verdict odd = Chat().JudgeJson({}, {}, R"({"choices":[{"message":{"content":"hi"}}],
      "usage":{"prompt_tokens":-10,"completion_tokens":"3","prompt_cache_hit_tokens":7}})");
  EXPECT_EQ(odd.usage->input_tokens, 0u);
  EXPECT_EQ(odd.usage->output_tokens, 0u);
  EXPECT_EQ(odd.usage->cached_input_tokens, 7u);
  EXPECT_FALSE(Chat().JudgeJson({}, {}, R"({"usage":null})").usage);
  const Verdict mistral = Chat().JudgeJson({}, {}, R"({"choices":[{"message":{"content":"hi"}}],
      "usage":{"prompt_tokens":64,"completion_tokens":6,"total_tokens":70,"num_cached_tokens":32}})");
  EXPECT_EQ(mistral.usage->cached_input_tokens, 32u);
}

TEST(ChatJudgeTest, ReasoningThatOnlyTheTotalCountsIsOutput) {
  const auto output = [](const char* usage) {
    return Chat()
        .JudgeJson(
            {}, {},
            R"({"choices":[{"message":{"content":"hi"}}],"usage":)" + std::string(usage) + "}")
        .usage->output_tokens;
  };
  // Gemini as recorded; xAI, which says how much it is besides; a total that is no sum.
  EXPECT_EQ(output(R"({"prompt_tokens":35,"completion_tokens":12,"total_tokens":109})"), 74u);
  EXPECT_EQ(output(R"({"prompt_tokens":9,"completion_tokens":5,"total_tokens":20,
                       "completion_tokens_details":{"reasoning_tokens":6}})"),
            11u);
  EXPECT_EQ(output(R"({"prompt_tokens":9,"completion_tokens":5,"total_tokens":3})"), 5u);
}

std::string Normalized(const char* data) { return Chat().Normalize({{"", data}})[0].data; }

TEST(ChatStreamTest, PaddingIsLeftOutAndNothingElseChanges) {
  EXPECT_EQ(Normalized(R"({"id":"a", "choices":[],"obfuscation":"x\"}y"})"),
            R"({"id":"a", "choices":[]})");
  EXPECT_EQ(Normalized(R"({"obfuscation":"x","id":"a" })"), R"({"id":"a" })");
  EXPECT_EQ(Normalized(R"({"a":{"b":"}"} , "obfuscation" : "x" , "id":"a"})"),
            R"({"a":{"b":"}"}  , "id":"a"})");
  EXPECT_EQ(Normalized(R"({"obfuscation":"x"})"), "{}");
  EXPECT_EQ(Normalized(R"({"obfuscation":"x","a":1,"obfuscation":"y"})"), R"({"a":1})");
  for (const char* same :
       {R"({"choices":[{"delta":{"content":"\"obfuscation\":\"x\""}}]})",
        R"({"choices":[{"delta":{"obfuscation":"x"}}]})", R"({"obfuscation":{"x":1}})",
        R"({"x":"obfuscation"})", R"({"obfuscation":"cut)", R"(["obfuscation","x"])", "[DONE]",
        "obfuscation", ""}) {
    EXPECT_EQ(Normalized(same), same);
  }
}

// What follows would each take minutes if it were gone through again for each of its parts.

TEST(ChatStreamTest, PaddingThatIsThereManyTimesIsLeftOutInOnePass) {
  std::string data = R"({"id":"a")";
  for (int i = 0; i < 200'000; ++i) data += R"(,"obfuscation":"x")";
  EXPECT_EQ(Normalized((data + "}").c_str()), R"({"id":"a"})");
}

std::string JudgeDelta(const std::string& delta) {
  const std::string chunk =
      R"({"choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":"stop"}]})";
  return JudgeStream({chunk.c_str()});
}

std::string Counted(int count) {
  std::string list = R"([{"index":0})";
  for (int i = 1; i < count; ++i) list += R"(,{"index":)" + std::to_string(i) + "}";
  return list + "]";
}

TEST(ChatStreamTest, MoreCallsOrChoicesThanAnyApiGivesAreNotPutTogether) {
  EXPECT_EQ(JudgeDelta(R"({"tool_calls":)" + Counted(1000) + "}"), "store");
  EXPECT_EQ(JudgeDelta(R"({"tool_calls":)" + Counted(200'000) + "}"), "invalid");
  EXPECT_EQ(JudgeStream({(R"({"choices":)" + Counted(200'000) + "}").c_str()}), "invalid");
}

TEST(ChatStreamTest, ContentThatIsNowTextNowAListGrowsInPlace) {
  const std::string begin = R"({"choices":[{"index":0,"delta":{"content":)";
  std::vector<Event> events;
  for (int i = 0; i < 20'000; ++i) {
    events.push_back({"", begin + R"([{"type":"image"}]}}]})"});
    events.push_back({"", begin + R"("x"}}]})"});
  }
  events.push_back({"", "[DONE]"});
  EXPECT_TRUE(Chat().JudgeStream(Plan("{}"), {}, events).store);
}

TEST(ChatStreamTest, TheUsageEventHasUsageAndNoChoices) {
  const auto find = [](std::vector<Event> events) { return Chat().UsageEvent(events); };
  const Event chunk = {"", R"({"choices":[{"delta":{}}],"usage":null})"};
  const Event usage = {"", R"({"choices":[],"usage":{"prompt_tokens":1}})"};
  const Event mixed = {"", R"({"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}})"};
  const Event filters = {"", R"({"choices":[],"prompt_filter_results":[]})"};
  EXPECT_EQ(find({chunk, usage, {"", "[DONE]"}}), 1u);
  EXPECT_EQ(find({filters, chunk, mixed, {"", "[DONE]"}}), std::nullopt);
  EXPECT_EQ(find({}), std::nullopt);
}

// A caller of the other form, behind a stream that breaks off, must not get its torso as an answer.
TEST(OpenAiChatTest, StreamWithoutItsEndIsNoAnswer) {
  const Event begun{"", R"({"choices":[{"index":0,"delta":{"content":"The answer is NOT "}}]})"};
  const Event usage{"", R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":4}})"};
  const Event finished{"", R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"};
  EXPECT_FALSE(Chat().Assemble({begun, usage}).ok());
  EXPECT_TRUE(Chat().Assemble({begun, finished, usage}).ok());
  EXPECT_TRUE(Chat().Assemble({begun, usage, {"", "[DONE]"}}).ok());
}

// The patch of our own making may come from anybody who sends a stream.
TEST(OpenAiChatTest, HostilePatchIsRefusedAndHarmsNobody) {
  const auto assemble = [](const std::string& patch) {
    return Chat().Assemble({{"", R"({"choices":[{"index":0,"delta":{"content":"x"},)"
                                 R"("finish_reason":"stop"}],"larder_patch":)" +
                                     patch + "}"},
                            {"", "[DONE]"}});
  };
  EXPECT_TRUE(assemble(R"([{"op":"add","path":"/more","value":1}])").ok());
  for (const char* patch :
       {R"([{"op":"replace","path":"","value":5}])",
        R"([{"op":"add","path":"/object/x","value":1}])",
        R"([{"op":"copy","from":"","path":"/a"}])",
        R"([{"op":"move","from":"/choices","path":"/a"}])",
        R"([{"op":"remove","path":"/none/of/it"}])", R"([5])", R"("text")", R"({"a":1})"}) {
    EXPECT_FALSE(assemble(patch).ok()) << patch;
  }
}

}  // namespace
}  // namespace larder::client
