// gateway.mode: what of every endpoint, form and end is recorded, and comes back as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

struct Said {
  std::string name;  // is the model that is asked for
  std::string path;
  std::string more;  // of the request, after its model
  int status = 200;
  std::string body;
  bool is_recorded = true;
};

std::string Chat(const std::string& message, const std::string& finish) {
  return R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant",)" +
         message + R"(},"finish_reason":")" + finish +
         R"("}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
}

// The stream of a chat that says "cut", with this last chunk's finish reason.
std::string ChatEvents(const std::string& finish) {
  const std::string head = R"(data: {"id":"c","object":"chat.completion.chunk","created":1,)"
                           R"("model":"m","choices":[{"index":0,"delta":)";
  return head + R"({"role":"assistant","content":"cut"},"finish_reason":null}]})" + "\n\n" + head +
         R"({},"finish_reason":")" + finish + R"("}]})" + "\n\ndata: [DONE]\n\n";
}

std::string Response(const std::string& status, const std::string& more = "") {
  return R"({"id":"r","object":"response","created_at":1,"status":")" + status +
         R"(","model":"m","output":[{"type":"message","id":"o","role":"assistant","status":")" +
         status + R"(","content":[{"type":"output_text","text":"cut","annotations":[]}]}])" + more +
         R"(,"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}})";
}

std::string ResponseEvents(const std::string& end, const std::string& more) {
  const std::string begin =
      R"({"type":"response.created","sequence_number":0,"response":)" + Response("in_progress");
  return "event: response.created\ndata: " + begin + "}\n\nevent: response." + end +
         R"(
data: {"type":"response.)" +
         end + R"(","sequence_number":1,"response":)" + Response(end, more) + "}\n\n";
}

std::string Message(const std::string& stop) {
  return R"({"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text",)"
         R"("text":"cut"}],"stop_reason":")" +
         stop + R"(","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}})";
}

std::string MessageEvents(const std::string& stop) {
  std::string text =
      R"(event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m",)"
      R"("content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"cut"}}

)";
  if (stop.empty()) {
    return text + R"(event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"x"}}

)";
  }
  return text + R"(event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":")" +
         stop + R"(","stop_sequence":null},"usage":{"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

)";
}

const std::vector<Said>& AllThatIsSaid() {
  const std::string error = R"({"error":{"message":"no","type":"t","param":null,"code":null}})";
  const std::string chat = R"("messages":[{"role":"user","content":"x"}])";
  const std::string stream = R"(,"stream":true)";
  const std::string claude = R"("max_tokens":5,)" + chat;
  static const std::vector<Said> all = {
      {"chat-refused", "/v1/chat/completions", chat, 200, Chat(R"("refusal":"no")", "stop")},
      {"chat-empty", "/v1/chat/completions", chat, 200, Chat(R"("content":"")", "stop")},
      {"chat-broken-tool", "/v1/chat/completions", chat, 200,
       Chat(
           R"("tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{"}}])",
           "tool_calls")},
      {"chat-error-under-200", "/v1/chat/completions", chat, 200, error},
      {"chat-not-json", "/v1/chat/completions", chat, 200, "{\"choices\":[", false},
      {"chat-401", "/v1/chat/completions", chat, 401, error},
      {"chat-500", "/v1/chat/completions", chat, 500, error},
      {"chat-500-of-text", "/v1/chat/completions", chat, 500, "out of order"},
      {"chat-stream", "/v1/chat/completions", chat + stream, 200, ChatEvents("stop")},
      {"chat-stream-cut-off", "/v1/chat/completions", chat + stream, 200, ChatEvents("length")},
      {"chat-stream-filtered", "/v1/chat/completions", chat + stream, 200,
       ChatEvents("content_filter")},
      {"chat-stream-error", "/v1/chat/completions", chat + stream, 429, error},
      {"chat-stream-ended-by-an-error", "/v1/chat/completions", chat + stream, 200,
       ChatEvents("stop").substr(0, ChatEvents("stop").find("\n\n") + 2) + "data: " + error +
           "\n\n"},
      {"chat-stream-unfinished", "/v1/chat/completions", chat + stream, 200,
       ChatEvents("stop").substr(0, ChatEvents("stop").find("\n\n") + 2), false},
      {"completion-cut-off", "/v1/completions", R"("prompt":"x")", 200,
       R"({"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,)"
       R"("text":"cut","logprobs":null,"finish_reason":"length"}]})"},
      {"response", "/v1/responses", R"("input":"x")", 200, Response("completed")},
      {"response-stateful", "/v1/responses", R"("input":"x","previous_response_id":"r")", 200,
       Response("completed")},
      {"response-cut-off", "/v1/responses", R"("input":"x")", 200,
       Response("incomplete", R"(,"incomplete_details":{"reason":"max_output_tokens"})")},
      {"response-failed", "/v1/responses", R"("input":"x")", 200,
       Response("failed", R"(,"error":{"code":"server_error","message":"no"})")},
      {"response-503", "/v1/responses", R"("input":"x")", 503, error},
      {"response-stream", "/v1/responses", R"("input":"x")" + stream, 200,
       ResponseEvents("completed", "")},
      {"response-stream-cut-off", "/v1/responses", R"("input":"x")" + stream, 200,
       ResponseEvents("incomplete", R"(,"incomplete_details":{"reason":"content_filter"})")},
      {"response-stream-failed", "/v1/responses", R"("input":"x")" + stream, 200,
       ResponseEvents("failed", R"(,"error":{"code":"server_error","message":"no"})")},
      {"response-stream-unfinished", "/v1/responses", R"("input":"x")" + stream, 200,
       ResponseEvents("completed", "").substr(0, 40), false},
      {"message-cut-off", "/v1/messages", claude, 200, Message("max_tokens")},
      {"message-refused", "/v1/messages", claude, 200, Message("refusal")},
      {"message-529", "/v1/messages", claude, 529,
       R"({"type":"error","error":{"type":"overloaded_error","message":"no"}})"},
      {"message-stream", "/v1/messages", claude + stream, 200, MessageEvents("end_turn")},
      {"message-stream-cut-off", "/v1/messages", claude + stream, 200, MessageEvents("max_tokens")},
      {"message-stream-refused", "/v1/messages", claude + stream, 200, MessageEvents("refusal")},
      {"message-stream-ended-by-an-error", "/v1/messages", claude + stream, 200, MessageEvents("")},
      {"message-stream-unfinished", "/v1/messages", claude + stream, 200,
       MessageEvents("end_turn").substr(0, MessageEvents("end_turn").find("event: message_stop")),
       false},
      {"embeddings-400", "/v1/embeddings", R"("input":["x","yy"])", 400, error},
      {"embeddings-500-of-one-text", "/v1/embeddings", R"("input":"x")", 500, error},
      {"embeddings-error-under-200", "/v1/embeddings", R"("input":["x","yy"])", 200, error},
      {"embeddings-of-too-few", "/v1/embeddings", R"("input":["x","yy"])", 200,
       R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"m"})",
       false},
  };
  return all;
}

const Said& Named(const std::string& name) {
  for (const Said& said : AllThatIsSaid()) {
    if (said.name == name) return said;
  }
  throw std::runtime_error("nothing is named " + name);
}

// Of a batch: as many floats as the text has bytes.
std::string Vectors(const Json& request) {
  Json answer = {{"object", "list"}, {"model", "m"}, {"data", Json::array()}};
  const Json inputs =
      request["input"].is_array() ? request["input"] : Json::array({request["input"]});
  for (const Json& input : inputs) {
    answer["data"].push_back({{"object", "embedding"},
                              {"index", answer["data"].size()},
                              {"embedding", std::vector<int>(input.get<std::string>().size(), 1)}});
  }
  answer["usage"] = {{"prompt_tokens", inputs.size()}, {"total_tokens", inputs.size()}};
  return answer.dump();
}

void Serve(UpstreamExchange& exchange) {
  const Json request = Json::parse(exchange.body);
  if (request["model"] == "vectors") {
    return exchange.Answer(200, "application/json", Vectors(request));
  }
  const Said& said = Named(request["model"]);
  const bool streams = said.status == 200 && said.more.find("stream") != std::string::npos;
  exchange.Answer(said.status, streams ? "text/event-stream" : "application/json", said.body);
}

class LarderdRecordingTest : public ::testing::Test {
 protected:
  static std::map<std::string, std::string> Recorder(const FakeUpstream& upstream) {
    const std::string once = R"("retry": {"max_attempts": 1}, "breaker": {"failures": 1000})";
    return {{"gateway", R"({"mode": "record"})"},
            {"providers", R"({"openai": {)" + once + R"(}, "anthropic": {)" + once +
                              R"(, "base_url": ")" + upstream.base_url() + "\"}}"}};
  }

  WireAnswer Say(const Said& said) const {
    return Ask(gateway_.url(), "POST", said.path,
               "{\"model\":\"" + said.name + "\"," + said.more + "}");
  }
  WireAnswer Embed(const std::string& input, const std::string& more = "",
                   const client::Headers& headers = {}) const {
    return Ask(gateway_.url(), "POST", "/v1/embeddings",
               R"({"model":"vectors","input":)" + input + more + "}", headers);
  }

  // From here on what was recorded is replayed.
  void Replay() {
    gateway_.process().Signal(SIGTERM);
    ASSERT_EQ(gateway_.process().Wait().exit_status, 0);
    Json config = Json::parse(std::ifstream(gateway_.config_file()));
    config["gateway"]["mode"] = "replay";
    std::ofstream(gateway_.config_file()) << config;
    gateway_.Start();
    asked_ = upstream_.requests();
  }
  ~LarderdRecordingTest() override {
    EXPECT_EQ(upstream_.requests(), asked_) << "a replay asks no provider";
  }

  FakeUpstream upstream_{Serve};
  GatewayFixture gateway_{upstream_.base_url(), Recorder(upstream_)};
  int asked_ = 0;
};

TEST_F(LarderdRecordingTest, WhateverIsCompleteComesBackAsItWas) {
  std::size_t recorded = 0;
  for (const Said& said : AllThatIsSaid()) {
    SCOPED_TRACE(said.name);
    const WireAnswer answer = Say(said);
    EXPECT_EQ(answer.status, said.status);
    EXPECT_EQ(answer.body, said.body);
    recorded += said.is_recorded ? 1 : 0;
  }
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 2 * recorded)) << "a note for each";
  Replay();
  for (const Said& said : AllThatIsSaid()) {
    SCOPED_TRACE(said.name);
    const WireAnswer answer = Say(said);
    EXPECT_EQ(answer.status, said.is_recorded ? said.status : 504) << answer.body;
    EXPECT_THAT(answer.header("cache-status"),
                HasSubstr(said.is_recorded ? "larder; hit" : "detail=not-recorded"));
    if (!said.is_recorded) continue;
    EXPECT_EQ(answer.body, said.body);
  }
}

TEST_F(LarderdRecordingTest, WhatWasCutOffComesBackInTheOtherFormToo) {
  for (const Said& said : AllThatIsSaid()) Say(said);
  Replay();
  const auto other_form = [&](const char* name) {
    Said said = Named(name);
    const std::size_t stream = said.more.find(R"(,"stream":true)");
    if (stream == std::string::npos) {
      said.more += R"(,"stream":true)";
    } else {
      said.more.erase(stream);
    }
    const WireAnswer answer = Say(said);
    EXPECT_EQ(answer.status, 200) << name << answer.body;
    return answer.body;
  };
  EXPECT_EQ(Json::parse(other_form("response-stream-cut-off"))["status"], "incomplete");
  EXPECT_EQ(Json::parse(other_form("message-stream-refused"))["stop_reason"], "refusal");
  EXPECT_THAT(other_form("chat-refused"), HasSubstr(R"("refusal":"no")"));
  EXPECT_THAT(other_form("response-cut-off"), HasSubstr("event: response.incomplete"));
  EXPECT_THAT(other_form("message-cut-off"), HasSubstr(R"("stop_reason":"max_tokens")"));
}

TEST_F(LarderdRecordingTest, EmbeddingsComeBackInAnyOtherBatch) {
  EXPECT_EQ(Embed(R"(["x","yy"])").status, 200);
  EXPECT_EQ(Embed(R"("zzz")").status, 200);
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 6));
  Replay();
  const WireAnswer answer = Embed(R"(["zzz","x","zzz"])");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json data = Json::parse(answer.body)["data"];
  ASSERT_EQ(data.size(), 3u);
  EXPECT_EQ(data[0]["embedding"], Json({1, 1, 1}));
  EXPECT_EQ(data[1]["embedding"], Json({1}));
  EXPECT_EQ(data[2]["index"], 2);
}

TEST_F(LarderdRecordingTest, BatchIsRecordedInPartWhereSomeOfItIsThere) {
  EXPECT_EQ(Embed(R"("yy")").status, 200);
  const WireAnswer part = Embed(R"(["x","yy","zzz"])");
  EXPECT_THAT(part.header("cache-status"), HasSubstr("fwd=partial"));
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 6)) << "three items, and a note for each";
  Replay();
  const WireAnswer answer = Embed(R"(["zzz","x","yy"])");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json data = Json::parse(answer.body)["data"];
  EXPECT_EQ(data[0]["embedding"], Json({1, 1, 1}));
  EXPECT_EQ(data[1]["embedding"], Json({1}));
  EXPECT_EQ(data[2]["embedding"], Json({1, 1}));
  EXPECT_THAT(Embed(R"("zzz")", R"(,"dimensions":3)").body,
              HasSubstr("which differs in 1 part, /dimensions"));
}

TEST_F(LarderdRecordingTest, MissOfABatchNamesTheItemAndTheNearestRecording) {
  Embed(R"(["x","yy"])");
  const std::string key = [&] {
    const std::string status = Embed(R"("yy")").header("cache-status");
    return status.substr(status.find('"') + 1, 64);
  }();
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 4));
  Replay();
  const WireAnswer other = Embed(R"(["x","other"])");
  EXPECT_EQ(other.status, 504);
  EXPECT_THAT(other.body, HasSubstr("not recorded: /input/1: the nearest recording is "));
  EXPECT_THAT(other.body, HasSubstr("which differs in 1 part, /input"));
  EXPECT_THAT(Embed(R"("yy")", R"(,"dimensions":3)").body,
              HasSubstr("the nearest recording is " + key +
                        ", which differs in 1 part, "
                        "/dimensions"));
  EXPECT_THAT(Embed(R"("yy")", "", {{"larder-namespace", "n"}}).body,
              HasSubstr("1 part, namespace"));
}

}  // namespace
}  // namespace larder::testing
