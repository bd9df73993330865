// Anthropic messages: keys, what is stored, and both forms.
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

const Endpoint& Messages() { return *FindEndpoint("anthropic.messages"); }

RequestPlan Plan(std::string_view body) { return Messages().Plan(body); }

std::string Reason(std::string_view answer, std::string_view request = R"({"max_tokens":9})",
                   const StoreRules& rules = {}) {
  const Verdict verdict = Messages().JudgeJson(Plan(request), rules, answer);
  EXPECT_EQ(verdict.store, verdict.reason.empty());
  return verdict.reason;
}

// A message of these blocks.
std::string Answer(std::string_view content, std::string_view stop = "end_turn") {
  return R"({"type":"message","role":"assistant","content":)" + std::string(content) +
         R"(,"stop_reason":")" + std::string(stop) + R"("})";
}

std::vector<Event> Events(const std::vector<const char*>& data) {
  std::vector<Event> events;
  for (const char* text : data) {
    events.push_back({json::parse(text)["type"].get<std::string>(), text});
  }
  return events;
}

constexpr const char* kStart =
    R"({"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],
        "stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1,"service_tier":"standard"}}})";
constexpr const char* kEnd = R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},
                                 "usage":{"output_tokens":9,"input_tokens":null}})";
constexpr const char* kStop = R"({"type":"message_stop"})";

TEST(AnthropicPlanTest, AllButThreeFieldsBelongToTheKey) {
  const RequestPlan plan = Plan(R"({"model":"claude","stream":true,"metadata":{"user_id":"u"},
      "service_tier":"auto","max_tokens":5,"thinking":{"type":"enabled"},"user":"x"})");
  EXPECT_EQ(plan.bypass, "");
  EXPECT_EQ(plan.canonical_body,
            R"({"max_tokens":5,"model":"claude","thinking":{"type":"enabled"},"user":"x"})");
  EXPECT_THAT(plan.ignored, ::testing::ElementsAre("metadata", "service_tier", "stream"));
  EXPECT_EQ(plan.model, "claude");
  EXPECT_TRUE(plan.stream);
  EXPECT_TRUE(plan.wants_usage) << "its streams always report usage";
  EXPECT_TRUE(plan.limited);
}

TEST(AnthropicPlanTest, ServerToolsContainersAndMcpAreStateful) {
  for (const char* body :
       {R"({"container":"c"})", R"({"mcp_servers":[{}]})",
        R"({"tools":[{"type":"web_search_20250305","name":"web_search"}]})",
        R"({"tools":[{"name":"mine"},{"type":"code_execution_20250522","name":"x"}]})",
        R"({"tools":[{"type":"not_known_yet"}]})", R"({"tools":[{"type":1}]})"}) {
    EXPECT_EQ(Plan(body).bypass, "stateful") << body;
    EXPECT_NE(Plan(body).canonical_body, "") << "a policy may cache it all the same";
  }
  for (const char* body :
       {R"({"container":null,"mcp_servers":null})", R"({"tools":[{"name":"mine"}]})",
        R"({"tools":[{"type":"custom","name":"a"},{"type":"bash_20250124","name":"bash"}]})",
        R"({"tools":[{"type":"memory_20250818","name":"memory"}]})", R"({"tools":[]})"}) {
    EXPECT_EQ(Plan(body).bypass, "") << body;
  }
}

TEST(AnthropicJudgeTest, WholeMessagesAreStored) {
  EXPECT_EQ(Reason(Answer(R"([{"type":"text","text":"hi"}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"tool_use","id":"t","name":"f","input":{}}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"thinking","thinking":"","signature":"s"}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"a kind of tomorrow"}])")), "");
  EXPECT_EQ(Reason(Answer(R"([{"type":"text","text":"hi"}])", "a reason of tomorrow")), "");
}

TEST(AnthropicJudgeTest, ErrorsAndEmptyMessagesAreNot) {
  EXPECT_EQ(Reason(R"({"type":"error","error":{"type":"overloaded_error"}})"), "error");
  EXPECT_EQ(Reason(R"({"content":[{"type":"text","text":"a"}],"error":{}})"), "error");
  EXPECT_EQ(Reason(Answer("[]")), "empty");
  EXPECT_EQ(Reason(Answer(R"([{"type":"text","text":""}])")), "empty");
  EXPECT_EQ(Reason(R"({"type":"message"})"), "invalid");
  EXPECT_EQ(Reason(R"({"type":"mess)"), "invalid");
  EXPECT_EQ(Reason("[]"), "invalid");
}

TEST(AnthropicJudgeTest, RefusalsAndTruncatedMessagesAreAMatterOfRules) {
  const std::string text = R"([{"type":"text","text":"hi"}])";
  EXPECT_EQ(Reason(Answer(text, "refusal")), "refusal");
  EXPECT_EQ(Reason(Answer(text, "refusal"), "{}", {.refusals = true}), "");
  EXPECT_EQ(Reason(Answer(text, "max_tokens")), "");
  EXPECT_EQ(Reason(Answer(text, "max_tokens"), "{}"), "truncated");
  EXPECT_EQ(Reason(Answer(text, "max_tokens"), "{}", {.truncated = StoreTruncated::kAlways}), "");
  EXPECT_EQ(Reason(Answer(text, "max_tokens"), R"({"max_tokens":9})",
                   {.truncated = StoreTruncated::kNever}),
            "truncated");
}

TEST(AnthropicJudgeTest, InputTokensAreThoseOfThePromptCacheToo) {
  const Verdict verdict = Messages().JudgeJson({}, {}, R"({"model":"claude-x","content":[],"usage":
      {"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,
       "output_tokens":4}})");
  EXPECT_EQ(verdict.model, "claude-x");
  EXPECT_EQ(verdict.usage, (Usage{.input_tokens = 3210,
                                  .cached_input_tokens = 3000,
                                  .cache_write_tokens = 200,
                                  .output_tokens = 4}));
}

TEST(AnthropicJudgeTest, WhatIsCachedForAnHourIsToldApart) {
  const std::string usage =
      R"("usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":0,
      "cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":150},
      "output_tokens":4})";
  const Verdict verdict = Messages().JudgeJson({}, {}, R"({"content":[],)" + usage + "}");
  EXPECT_EQ(verdict.usage->cache_write_tokens, 200u);
  EXPECT_EQ(verdict.usage->cache_write_1h_tokens, 150u);
  const std::string start =
      R"({"type":"message_start","message":{"type":"message","content":[],)" + usage + "}}";
  const Verdict streamed =
      Messages().JudgeStream({}, {},
                             Events({start.c_str(),
                                     R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},
                  "usage":{"output_tokens":9}})",
                                     kStop}));
  EXPECT_EQ(streamed.usage->cache_write_1h_tokens, 150u);
  EXPECT_EQ(streamed.usage->output_tokens, 9u);
}

// That of its start is the input's, with one token of output.
TEST(AnthropicJudgeTest, AStreamThatBreaksOffTellsNoUsageUnlessItsDeltaDid) {
  const char* error = R"({"type":"error","error":{"type":"overloaded_error"}})";
  EXPECT_EQ(Messages().JudgeStream({}, {}, Events({kStart, error})).usage, std::nullopt);
  EXPECT_EQ(Messages().JudgeStream({}, {}, Events({kStart})).usage, std::nullopt);
  const Verdict verdict = Messages().JudgeStream({}, {}, Events({kStart, kEnd, error}));
  EXPECT_EQ(verdict.reason, "error");
  EXPECT_EQ(verdict.usage, (Usage{.input_tokens = 3, .output_tokens = 9}));
}

TEST(AnthropicStreamTest, AllKindsOfDeltasAreAssembled) {
  const auto events = Events(
      {kStart,
       R"({"type":"content_block_start","index":0,
                   "content_block":{"type":"thinking","thinking":"","signature":""}})",
       R"({"type":"ping"})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"S"}})",
       R"({"type":"content_block_stop","index":0})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel"}})",
       R"({"type":"content_block_start","index":2,
           "content_block":{"type":"tool_use","id":"t","name":"f","input":{}}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"lo"}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"n":1}}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"new_delta","words":"a","list":[1]}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"new_delta","words":"b","list":[2]}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":":1}"}})",
       kEnd,
       R"({"type":"message_delta","delta":{"container":{"id":"c"}},"context_management":{"x":1}})",
       kStop});
  const Result<std::string> answer = Messages().Assemble(events);
  ASSERT_OK(answer);
  EXPECT_EQ(json::parse(*answer), json::parse(R"({"id":"m","type":"message","role":"assistant",
      "content":[{"type":"thinking","thinking":"hm","signature":"S"},
                 {"type":"text","text":"Hello","citations":[{"n":1}],"words":"ab","list":[1,2]},
                 {"type":"tool_use","id":"t","name":"f","input":{"a":1}}],
      "stop_reason":"end_turn","container":{"id":"c"},"context_management":{"x":1},
      "usage":{"input_tokens":3,"output_tokens":9,"service_tier":"standard"}})"));
  EXPECT_TRUE(Messages().JudgeStream({}, {}, events).store);
}

TEST(AnthropicStreamTest, CutAndBrokenStreamsAreNotStored) {
  const char* text =
      R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}})";
  const auto reason = [](const std::vector<Event>& events) {
    const Verdict verdict = Messages().JudgeStream({}, {}, events);
    EXPECT_FALSE(verdict.store);
    EXPECT_THAT(Messages().Assemble(events), HasCode(StatusCode::kDataLoss));
    return verdict.reason;
  };
  EXPECT_EQ(reason(Events({kStart, text, kEnd})), "no_end");
  EXPECT_EQ(reason(Events({text, kEnd, kStop})), "invalid");
  EXPECT_EQ(reason({}), "invalid");
  std::vector<Event> broken = Events({kStart, text, kStop});
  broken[1].data = "{";
  EXPECT_EQ(reason(broken), "invalid");
  EXPECT_EQ(reason(Events(
                {kStart, text, R"({"type":"error","error":{"type":"overloaded_error"}})", kStop})),
            "error");
  EXPECT_EQ(reason(Events({kStart,
                           R"({"type":"content_block_start","index":0,
                               "content_block":{"type":"tool_use","input":{}}})",
                           R"({"type":"content_block_delta","index":0,
                               "delta":{"type":"input_json_delta","partial_json":"{\"a"}})",
                           R"({"type":"content_block_start","index":1,
                               "content_block":{"type":"tool_use","input":{}}})",
                           kEnd, kStop})),
            "bad_arguments");
}

// Else it would be stored, and replayed, as a call with no arguments.
TEST(AnthropicStreamTest, AToolsInputThatIsTooDeepToBeReadIsNotStored) {
  const auto reason = [](const std::string& input) {
    const json delta = {{"type", "content_block_delta"},
                        {"index", 0},
                        {"delta", {{"type", "input_json_delta"}, {"partial_json", input}}}};
    const std::string text = delta.dump();
    const auto events = Events({kStart,
                                R"({"type":"content_block_start","index":0,
                                    "content_block":{"type":"tool_use","input":{}}})",
                                text.c_str(), kEnd, kStop});
    return Messages().JudgeStream({}, {}, events).reason;
  };
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(reason(nested(200)), "");
  EXPECT_EQ(reason(nested(300)), "bad_arguments");
  EXPECT_EQ(reason(" \n"), "") << "none at all";
}

TEST(AnthropicSplitTest, EventsComeAsAnthropicSendsThem) {
  const auto events = Messages().Split(
      R"({"id":"m","type":"message","role":"assistant","model":"c","content":[
          {"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],
          "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":9}})");
  ASSERT_OK(events);
  std::vector<std::string> lines;
  for (const Event& event : *events) {
    EXPECT_EQ(json::parse(event.data)["type"], event.name);
    lines.push_back(event.name);
  }
  EXPECT_THAT(lines, ::testing::ElementsAre("message_start", "content_block_start",
                                            "content_block_delta", "content_block_stop",
                                            "content_block_start", "content_block_delta",
                                            "content_block_stop", "message_delta", "message_stop"));
  const json start = json::parse(events->front().data)["message"];
  EXPECT_EQ(start["content"], json::array());
  EXPECT_EQ(start["stop_reason"], nullptr);
  EXPECT_EQ(start["usage"]["input_tokens"], 3);
  EXPECT_EQ(json::parse((*events)[5].data)["delta"]["partial_json"], R"({"a":1})");
  EXPECT_EQ(json::parse((*events)[7].data)["usage"]["output_tokens"], 9);
}

TEST(AnthropicSplitTest, WhatIsNotAMessageIsDataLoss) {
  for (const char* text : {"", "[]", "{}", R"({"content":"x"})", R"({"content":[1]})"}) {
    EXPECT_THAT(Messages().Split(text), HasCode(StatusCode::kDataLoss)) << text;
  }
}

class RandomMessages : private testing::RandomJson {
 public:
  using RandomJson::RandomJson;

  json Message() {
    json message = {{"type", "message"}, {"content", json::array()}};
    if (!OneIn(6)) message["stop_reason"] = Mostly("end_turn");
    if (!OneIn(6)) message["usage"] = Mostly({{"input_tokens", 3}, {"output_tokens", Value(0)}});
    for (const char* name : {"id", "role", "stop_sequence", "container", "delta", "larder_patch"}) {
      if (OneIn(3)) message[name] = Value(2);
    }
    if (message["type"] == "error") message["type"] = "message";
    for (std::size_t i = 0, n = Next64() % 4; i < n; ++i) message["content"].push_back(Block());
    return message;
  }

 private:
  json Block() {
    constexpr const char* kTypes[] = {"text",     "thinking", "tool_use", "server_tool_use",
                                      "redacted", "new"};
    json block = {{"type", Mostly(kTypes[Next64() % 6])}};
    for (const char* name : {"text", "thinking", "signature"}) {
      if (OneIn(2)) block[name] = Mostly(Text());
    }
    for (const char* name : {"input", "citations", "content", "index"}) {
      if (OneIn(3)) block[name] = Value(3);
    }
    return block;
  }
};

TEST(AnthropicSplitTest, AnyMessageComesBackWhole) {
  constexpr unsigned kSeed = 2027;
  RandomMessages messages(kSeed);
  for (int i = 0; i < 2000; ++i) {
    const json message = messages.Message();
    const auto events = Messages().Split(message.dump());
    ASSERT_OK(events) << "seed " << kSeed << " message " << i << ": " << message;
    const Result<std::string> back = Messages().Assemble(*events);
    ASSERT_OK(back) << "seed " << kSeed << " message " << i << ": " << message;
    ASSERT_EQ(json::parse(*back), message) << "seed " << kSeed << " message " << i;
  }
}

}  // namespace
}  // namespace larder::client
