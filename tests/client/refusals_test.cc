// Every reason for which something is kept from the cache, through the whole stack: the call is
// answered all the same, nothing is stored, and the reason is counted, it alone.
#include "larder/client/refusals.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "answer_json.h"
#include "caching_fixture.h"

namespace larder::client {
namespace {

using nlohmann::json;
using Counts = std::map<std::string, std::uint64_t>;
using std::chrono_literals::operator""s;

struct Served {
  int status = 200;
  std::string type = "application/json";
  std::string body = "{}";
  std::string more_fields = {};
  bool cut = false;  // the last byte does not come
  bool ends_by_close = false;
};

class RefusalTest;

struct Row {
  std::string name;
  const char* reason;
  Request request = {};
  Served served = {};
  const char* provider = "openai";
  std::function<void(ClientConfig&)> arrange = nullptr;
  bool is_bypass = false;                 // the request is refused, not its answer
  void (RefusalTest::*play)() = nullptr;  // what is more than to ask twice
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.reason << ": " << row.name; }

class RefusalTest : public CachingFixture, public ::testing::WithParamInterface<Row> {
 public:
  void AskTwice();
  void AskWhileTheStoreHangs();
  void AskWhileMemoryIsTight();
  void AskBehindAnother();
  void AskForAPartThatIsAnsweredWrongly();

 protected:
  void Use() {
    UseAllDialects();
    if (GetParam().arrange) GetParam().arrange(config_);
    stack_ = MakeStackWorker(GetParam().provider);
  }
  void ExpectCounts(const Counts& counts) {
    std::uint64_t sum = 0;
    for (const auto& [reason, count] : counts) sum += count;
    WaitForRefusals(sum);
    EXPECT_EQ(refusals_->Counts(), counts);
  }

  std::unique_ptr<Worker> stack_;
};

void Give(UpstreamExchange& exchange, const Served& served) {
  if (!served.cut && !served.ends_by_close) {
    return exchange.Answer(served.status, served.type, served.body, served.more_fields);
  }
  const std::size_t size = served.body.size() + (served.cut ? 1 : 0);
  exchange.Send("HTTP/1.1 " + std::to_string(served.status) + " X\r\ncontent-type: " + served.type +
                "\r\n" + served.more_fields);
  if (!served.ends_by_close) exchange.Send("content-length: " + std::to_string(size) + "\r\n");
  exchange.Send("\r\n" + served.body);
  exchange.Close();
}

void RefusalTest::AskTwice() {
  const Row& row = GetParam();
  Serve([&row](UpstreamExchange& exchange) { Give(exchange, row.served); });
  Use();
  const std::string past = std::string("larder; fwd=bypass; detail=") + row.reason;
  for (int i = 0; i < 2; ++i) {
    const Answer answer = stack_->Ask(row.request);
    EXPECT_EQ(answer.status.ok(), !row.served.cut) << answer.status.ToString();
    if (row.served.cut) continue;
    EXPECT_EQ(answer.code, row.served.status);
    EXPECT_EQ(answer.body, row.served.body);
    EXPECT_EQ(answer.cache, row.is_bypass ? past : "larder; fwd=miss");
  }
  ExpectCounts({{row.reason, 2}});
  EXPECT_EQ(upstream_->requests(), 2);
}

void RefusalTest::AskWhileTheStoreHangs() {
  limits_.lookup = Duration(20);
  limits_.inline_bytes = 10;
  Serve(AnswerChat);
  HangStore();
  const Answer answer = Ask(ChatRequest());
  EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=store-unavailable");
  EXPECT_EQ(answer.body, ChatJson());
  ExpectCounts({{"store-unavailable", 1}});
}

void RefusalTest::AskWhileMemoryIsTight() {
  flight_memory_ = FlightMemory::Make(10);
  Serve(AnswerChat);
  const std::optional<SharedBytes> others = flight_memory_->Keep(SharedBytes("others"));
  const Answer answer = Ask(ChatRequest());
  EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=flight-memory");
  EXPECT_EQ(answer.body, ChatJson());
  ExpectCounts({{"flight-memory", 1}});
}

void RefusalTest::AskBehindAnother() {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    if (exchange.number == 0) go_.Wait();
    exchange.Answer(200, "text/plain", exchange.header("user-agent"), "vary: user-agent\r\n");
  });
  Use();
  Request request = GetParam().request;
  std::future<Answer> first = stack_->Begin(request);
  asked_.Wait();
  request.headers.Set("user-agent", "another");
  std::future<Answer> second = stack_->Begin(request);
  WaitForJoined(1);
  go_.Open();
  EXPECT_EQ(first.get().body, "");
  const Answer answer = second.get();
  EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=not-shared");
  EXPECT_EQ(answer.body, "another");
  ExpectCounts({{"vary", 1}, {"not-shared", 1}});
}

// {"input": ["a", "b"]}, of which the upstream has nothing to say to "b".
void RefusalTest::AskForAPartThatIsAnsweredWrongly() {
  Serve([](UpstreamExchange& exchange) {
    json answer = {{"data", json::array()}};
    const json input = json::parse(exchange.body)["input"];
    for (std::size_t i = 0; input != json::array({"b"}) && i < input.size(); ++i) {
      answer["data"].push_back({{"index", i}, {"embedding", {0.5}}});
    }
    exchange.Answer(200, "application/json", answer.dump());
  });
  Use();
  Request one = GetParam().request;
  one.body = R"({"model":"e","input":["a"]})";
  ASSERT_EQ(stack_->Ask(one).cache, "larder; fwd=miss; stored");
  const Answer answer = stack_->Ask(GetParam().request);
  EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=invalid-answer");
  EXPECT_EQ(json::parse(answer.body)["data"].size(), 2U);
  ExpectCounts({{"invalid", 1}, {"invalid-answer", 1}});
}

TEST_P(RefusalTest, IsCountedByItsReasonAndTheCallIsAnswered) {
  const auto play = GetParam().play;
  if (play == nullptr) {
    AskTwice();
    EXPECT_EQ(cache_->GetStats().stores, 0U);
  } else {
    (this->*play)();
  }
  stack_.reset();
}

Request Post(const std::string& target, std::string body) {
  Request request = ChatRequest();
  request.target = target;
  request.body = std::move(body);
  return request;
}

Request Chat(const json& more = json::object()) {
  json body = json::parse(ChatRequest().body);
  body.update(more);
  return Post("/v1/chat/completions", body.dump());
}

Request Completion() { return Post("/v1/completions", R"({"model":"m","prompt":"hi"})"); }

Request Responses(const json& more = json::object()) {
  json body = {{"model", "gpt-5"}, {"input", "hi"}};
  body.update(more);
  return Post("/v1/responses", body.dump());
}

Request Messages(const json& more = json::object()) {
  json body = {{"model", "claude"}, {"max_tokens", 9}, {"messages", json::array()}};
  body.update(more);
  return Post("/v1/messages", body.dump());
}

Request Embeddings(const json& input) {
  return Post("/v1/embeddings", json{{"model", "e"}, {"input", input}}.dump());
}

Request Get() {
  Request request;
  request.method = "GET";
  request.target = "/weather";
  return request;
}

Request ChatWith(const std::string& field, const std::string& value) {
  Request request = ChatRequest();
  request.headers.Set(field, value);
  return request;
}

Request ChatNotToBeStored() {
  Request request = ChatRequest();
  request.directives.no_store = true;
  return request;
}

json HostedTool(const char* type) { return {{"tools", {{{"type", type}}}}}; }

const json kStream = {{"stream", true}};

std::vector<Row> StatefulRows() {
  std::vector<Row> rows = {
      {"ChatThatIsKept", "stateful", Chat({{"store", true}})},
      {"ChatWithWebSearch", "stateful", Chat({{"web_search_options", json::object()}})},
      {"ResponseAfterAnother", "stateful", Responses({{"previous_response_id", "r"}})},
      {"ResponseOfAConversation", "stateful", Responses({{"conversation", "c"}})},
      {"ResponseInTheBackground", "stateful", Responses({{"background", true}})},
      {"PromptWithoutVersion", "stateful", Responses({{"prompt", {{"id", "p"}}}})},
      {"MessageInAContainer", "stateful", Messages({{"container", "c"}}), {}, "claude"},
      {"MessageWithMcp", "stateful", Messages({{"mcp_servers", {{{"url", "u"}}}}}), {}, "claude"},
      {"PostOfPlainHttp", "stateful", Post("/order", "one"), {}, "weather"},
  };
  for (const char* type : {"web_search", "file_search", "mcp", "code_interpreter", "shell",
                           "image_generation", "a_tool_of_tomorrow"}) {
    rows.push_back({std::string("ResponseWith_") + type, "stateful", Responses(HostedTool(type))});
  }
  for (const char* type :
       {"web_search_20250305", "code_execution_20250825", "web_fetch_20250910"}) {
    rows.push_back({std::string("MessageWith_") + type, "stateful", Messages(HostedTool(type)),
                    Served{}, "claude"});
  }
  return rows;
}

std::vector<Row> RequestRows() {
  const std::string deep = std::string(257, '[') + std::string(257, ']');
  PolicyRule rule;
  rule.cache = false;
  const auto forbid = [rule](ClientConfig& config) { config.policy = Policy({rule}); };
  std::vector<Row> rows = {
      {"NoObject", "not-i-json", Post("/v1/chat/completions", "[]")},
      {"NoJson", "not-i-json", Post("/v1/responses", "{")},
      {"NameTwice", "not-i-json", Post("/v1/embeddings", R"({"input":"a","input":"b"})")},
      {"NoUtf8", "not-i-json", Post("/v1/messages", "{\"a\":\"\xff\"}"), {}, "claude"},
      {"LoneSurrogate", "not-i-json", Post("/v1/completions", R"({"prompt":"\ud800"})")},
      {"LargeInteger", "not-i-json", Post("/v1/responses", R"({"seed":9007199254740992})")},
      {"BeyondDouble", "not-i-json", Post("/v1/responses", R"({"x":1e400})")},
      {"DeepNesting", "not-i-json", Post("/v1/responses", "{\"a\":" + deep + "}")},
      {"ManyValues", "too-complex", Chat({{"x", std::vector<int>(524'289, 0)}})},
      {"ManyInputs", "too-complex", Embeddings(std::vector<std::string>(16'385, "a"))},
      {"NoInput", "no-input", Post("/v1/embeddings", R"({"model":"e"})")},
      {"EmptyInput", "no-input", Embeddings(json::array())},
      {"RuleSaysSo", "policy", Chat(), {}, "openai", forbid},
      {"RequestSaysSo", "no-store", ChatNotToBeStored()},
      {"IfNoneMatch", "conditional", ChatWith("if-none-match", "\"e\"")},
      {"Range", "conditional", ChatWith("range", "bytes=0-1")},
      {"EncodedRequest", "conditional", ChatWith("content-encoding", "gzip")},
  };
  for (Row& row : StatefulRows()) rows.push_back(std::move(row));
  for (Row& row : rows) row.is_bypass = true;
  return rows;
}

std::vector<Row> MeanwhileRows() {
  Row hangs{"StoreHangs", "store-unavailable"};
  hangs.play = &RefusalTest::AskWhileTheStoreHangs;
  Row tight{"MemoryIsTight", "flight-memory"};
  tight.play = &RefusalTest::AskWhileMemoryIsTight;
  Row behind{"BehindAnother", "not-shared", Get(), {}, "weather"};
  behind.play = &RefusalTest::AskBehindAnother;
  Row part{"PartIsAnsweredWrongly", "invalid-answer", Embeddings({"a", "b"})};
  part.play = &RefusalTest::AskForAPartThatIsAnsweredWrongly;
  return {hangs, tight, behind, part};
}

Served Json(const json& body) { return {.body = body.dump()}; }
Served Events(const std::string& text) { return {.type = "text/event-stream", .body = text}; }

Served Choice(const json& message, const char* finish) {
  const json choice = {{"index", 0}, {"message", message}, {"finish_reason", finish}};
  return Json({{"choices", {choice}}});
}

Served Response(const json& output, const json& more = json::object()) {
  json body = {{"status", "completed"}, {"output", output}};
  body.update(more);
  return Json(body);
}

Served Message(const json& content, const char* stop) {
  return Json({{"type", "message"}, {"content", content}, {"stop_reason", stop}});
}

std::vector<Row> HeadRows() {
  const auto small = [](ClientConfig& config) { config.cache.max_body_bytes = 10; };
  const auto negative = [](ClientConfig& config) { config.cache.negative_ttl = 30s; };
  const Served gzip{.body = "\x1f\x8b", .more_fields = "content-encoding: gzip\r\n"};
  std::string many = "{\"x\":[0";
  for (std::size_t i = 0; i < kMaxAnswerValues; ++i) many += ",0";
  many += "]}";
  const Served html{.type = "text/html", .body = "<p>"};
  const std::string half = Join(ChatEvents(false)).substr(0, 400);
  Served closed = Events(Join(ChatEvents(false)).substr(0, Join(ChatEvents(false)).size() - 14));
  closed.ends_by_close = true;
  return {
      {"NotFound", "status", Chat(), {.status = 404, .body = R"({"error":{}})"}},
      {"Part", "status", Chat(), {.status = 206, .body = ChatJson()}},
      {"ErrorOfABatch", "status", Embeddings("a"), {.status = 500}},
      {"CutError", "status", Chat(), {.status = 404, .body = "{", .cut = true}},
      {"Html", "content_type", Chat(), html},
      {"Encoded", "content_type", Chat(), gzip},
      {"EncodedBatch", "content_type", Embeddings("a"), gzip},
      {"StreamOfPlainHttp", "content_type", Get(), Events("data: 1\n\n"), "weather"},
      {"ManyValuesInAnAnswer", "too_complex", Chat(), {.body = many}},
      {"LargeAnswer", "too_large", Chat(), {.body = ChatJson()}, "openai", small},
      {"LargeBatch", "too_large", Embeddings("a"), {.body = ChatJson()}, "openai", small},
      {"CutJson", "no_end", Chat(), {.body = ChatJson(), .cut = true}},
      {"CutBatch", "no_end", Embeddings("a"), {.body = "{", .cut = true}},
      {"CutStream", "no_end", Chat(kStream), {200, "text/event-stream", half, "", true}},
      {"CutHttp", "no_end", Get(), {.body = "{", .cut = true}, "weather"},
      {"HttpOfNoLength", "no_end", Get(), {.ends_by_close = true}, "weather"},
      {"StreamEndedByClose", "no_end", Chat(kStream), closed},
      {"ErrorOfNoLength",
       "no_end",
       Chat(),
       {.status = 404, .ends_by_close = true},
       "openai",
       negative},
  };
}

std::vector<Row> BrokenRows() {
  const json error = {{"error", {{"message", "sorry"}}}};
  const auto event = [](const json& data) { return "data: " + data.dump() + "\n\n"; };
  const std::string half = Join({ChatEvents(false)[0], ChatEvents(false)[1]});
  const json text = {{"type", "text"}, {"text", "Hello"}};
  const std::string start =
      event({{"type", "message_start"}, {"message", {{"type", "message"}, {"content", {text}}}}});
  const std::string stop = event({{"type", "message_stop"}});
  const json whole = {{"status", "completed"}, {"output", {{{"type", "x"}}}}};
  const std::string completed = event({{"type", "response.completed"}, {"response", whole}});
  return {
      {"NoJsonUnder200", "invalid", Chat(), {.body = "oops"}},
      {"ChoiceWithoutMessage", "invalid", Chat(), Json({{"choices", {{{"index", 0}}}}})},
      {"EventThatIsNoJson", "invalid", Chat(kStream), Events("data: oops\n\ndata: [DONE]\n\n")},
      {"CompletionWithoutText", "invalid", Completion(), Json({{"choices", {{{"index", 0}}}}})},
      {"ResponseWithoutOutput", "invalid", Responses(), Json({{"status", "completed"}})},
      {"MessageWithoutContent", "invalid", Messages(), Json({{"type", "message"}}), "claude"},
      {"TooFewVectors", "invalid", Embeddings({"a", "b"}), Json({{"data", json::array()}})},
      {"ErrorUnder200", "error", Chat(), Json(error)},
      {"ErrorInAStream", "error", Chat(kStream), Events(half + event(error))},
      {"CompletionError", "error", Completion(), Json(error)},
      {"ResponseThatFailed", "error", Responses(), Response(json::array(), {{"status", "failed"}})},
      {"MessageError", "error", Messages(), Json({{"type", "error"}}), "claude"},
      {"ErrorInAResponse", "error", Responses(kStream), Events(event(error) + completed)},
      {"ErrorInAMessage", "error", Messages(kStream), Events(start + event(error) + stop),
       "claude"},
      {"BatchError", "error", Embeddings("a"), Json(error)},
      {"StreamOfNothing", "no_end", Chat(kStream), Events("\n\n")},
      {"StreamWithoutEnd", "no_end", Chat(kStream), Events(half)},
      {"ResponseUnderWay", "no_end", Responses(),
       Response(json::array(), {{"status", "in_progress"}})},
      {"MessageWithoutStop", "no_end", Messages(kStream), Events(start), "claude"},
  };
}

std::vector<Row> ContentRows() {
  const json refusal = {{"type", "message"}, {"content", {{{"type", "refusal"}}}}};
  const json garbled = {{"function", {{"name", "f"}, {"arguments", "{nope"}}}};
  const json call = {{"type", "function_call"}, {"arguments", "{nope"}};
  const json filtered = {{"status", "incomplete"},
                         {"incomplete_details", {{"reason", "content_filter"}}}};
  const json ended = {{"status", "incomplete"},
                      {"incomplete_details", {{"reason", "max_output_tokens"}}}};
  const json cut_off = {{"index", 0}, {"text", "x"}, {"finish_reason", "content_filter"}};
  PolicyRule rule;
  rule.store.incomplete = true;
  const auto keep_incomplete = [rule](ClientConfig& config) { config.policy = Policy({rule}); };
  const std::string tool =
      R"(data: {"type":"message_start","message":{"type":"message","content":[]}})"
      "\n\n"
      R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use",)"
      R"("id":"t","name":"f","input":{}}})"
      "\n\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta",)"
      R"("partial_json":"{nope"}})"
      "\n\n"
      R"(data: {"type":"content_block_stop","index":0})"
      "\n\n"
      R"(data: {"type":"message_stop"})"
      "\n\n";
  return {
      {"NoChoices", "empty", Chat(), Json({{"choices", json::array()}})},
      {"NoContent", "empty", Chat(), Choice({{"content", ""}}, "stop")},
      {"NoText", "empty", Completion(), Json({{"choices", {{{"text", ""}}}}})},
      {"NoOutput", "empty", Responses(), Response(json::array())},
      {"NoBlocks", "empty", Messages(), Message(json::array(), "end_turn"), "claude"},
      {"NoNumbers", "empty", Embeddings("a"), Json({{"data", {{{"embedding", json::array()}}}}})},
      {"FilteredChat", "content_filter", Chat(), Choice({{"content", "x"}}, "content_filter")},
      {"FilteredCompletion", "content_filter", Completion(), Json({{"choices", {cut_off}}})},
      {"FilteredResponse", "content_filter", Responses(),
       Response(json::array({refusal}), filtered)},
      {"RefusedChat", "refusal", Chat(), Choice({{"refusal", "no"}}, "stop")},
      {"RefusedResponse", "refusal", Responses(), Response(json::array({refusal}))},
      {"RefusedMessage", "refusal", Messages(), Message({{{"type", "x"}}}, "refusal"), "claude"},
      {"ChatAtALimit", "truncated", Chat(), Choice({{"content", "x"}}, "length")},
      {"ResponseAtALimit", "truncated", Responses(), Response({{{"type", "x"}}}, ended), "openai",
       keep_incomplete},
      {"IncompleteResponse", "incomplete", Responses(), Response({{{"type", "x"}}}, ended)},
      {"GarbledToolCall", "bad_arguments", Chat(), Choice({{"tool_calls", {garbled}}}, "stop")},
      {"GarbledFunctionCall", "bad_arguments", Responses(), Response(json::array({call}))},
      {"GarbledToolInput", "bad_arguments", Messages(kStream), Events(tool), "claude"},
  };
}

std::vector<Row> HttpRows() {
  const auto heed = [](ClientConfig& config) {
    config.providers["weather"].upstream_freshness = true;
  };
  const auto text = [](std::string field) {
    return Served{.type = "text/plain", .body = "fine", .more_fields = std::move(field) + "\r\n"};
  };
  return {
      {"Vary", "vary", Get(), text("vary: user-agent"), "weather"},
      {"VaryOnAll", "vary", Get(), text("vary: *"), "weather"},
      {"Cookie", "set_cookie", Get(), text("set-cookie: a=b"), "weather"},
      {"Forbidden", "no_store", Get(), text("cache-control: no-store"), "weather", heed},
      {"Private", "no_store", Get(), text("cache-control: private"), "weather", heed},
      {"CameStale", "stale", Get(), text("cache-control: max-age=0"), "weather", heed},
  };
}

std::vector<Row> AllRows() {
  std::vector<Row> all;
  for (const auto& rows :
       {RequestRows(), MeanwhileRows(), HeadRows(), BrokenRows(), ContentRows(), HttpRows()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, RefusalTest, ::testing::ValuesIn(AllRows()),
                         [](const auto& row) { return row.param.name; });

using UnforeseenAnswerTest = CachingFixture;

// An exception comes of what nobody foresaw, or of memory.
TEST_F(UnforeseenAnswerTest, OneThatCannotBeJudgedIsHandedOnAndCounted) {
  Serve(AnswerChat);
  Request request = ChatRequest();
  request.on_cost = [](std::uint64_t) { throw std::runtime_error("as good as any other"); };
  EXPECT_EQ(Ask(request).code, 200);
  WaitForRefusals(1);
  EXPECT_EQ(refusals_->Counts(), (std::map<std::string, std::uint64_t>{{"too_complex", 1}}));
  EXPECT_EQ(cache_->GetStats().stores, 0u);
}

TEST_F(UnforeseenAnswerTest, SoIsOneToABatch) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", R"({"data":[{"index":0,"embedding":[0.5]}]})");
  });
  Request request = Embeddings("a");
  request.on_cost = [](std::uint64_t) { throw std::runtime_error("as good as any other"); };
  EXPECT_EQ(Ask(request).code, 200);
  WaitForRefusals(1);
  EXPECT_EQ(refusals_->Counts(), (std::map<std::string, std::uint64_t>{{"too_complex", 1}}));
  EXPECT_EQ(cache_->GetStats().stores, 0u);
}

TEST(RefusalRowsTest, ThereIsOneForEveryReason) {
  std::set<std::string> tested;
  for (const Row& row : AllRows()) tested.insert(row.reason);
  const std::set<std::string> known(std::begin(kRefusalReasons), std::end(kRefusalReasons));
  EXPECT_EQ(tested, known);
}

}  // namespace
}  // namespace larder::client
