// `inject_usage`: the usage of streams is asked for, and given only to who asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CachingUsageTest : public CachingFixture {
 protected:
  // Answers as AnswerChat does, with a comment before each event; a stream's rest goes out once
  // `go_` is open.
  void Use(bool inject) {
    Serve([this](UpstreamExchange& exchange) {
      const json body = json::parse(exchange.body);
      last_body_ = exchange.body;
      if (!body.value("stream", false)) return AnswerChat(exchange);
      const std::vector<std::string> events = ChatEvents(AsksUsage(body));
      exchange.BeginChunks(200, "text/event-stream");
      for (std::size_t i = 0; i < events.size(); ++i) {
        exchange.Chunk(": busy\n\n" + events[i]);
        if (i == 0) go_.Wait();
      }
      exchange.EndChunks();
    });
    config_.providers["openai"].base_url = upstream_->base_url();
    config_.providers["openai"].inject_usage = inject;
    stack_ = MakeStackWorker();
  }
  static bool AsksUsage(const json& body) {
    return body.value("/stream_options/include_usage"_json_pointer, false);
  }
  Answer AskNow(const Request& request) {
    go_.Open();
    return stack_->Ask(request);
  }
  static std::string Stream(bool usage_asked, bool usage_shown) {
    std::string text;
    for (const std::string& event : ChatEvents(usage_asked)) {
      const bool report = event.find("prompt_tokens") != std::string::npos;
      text += report && !usage_shown ? ": busy\n\n" : ": busy\n\n" + event;
    }
    return text;
  }

  std::string last_body_;  // read when the answer is there
  std::unique_ptr<Worker> stack_;
};

TEST_F(CachingUsageTest, IsTakenOutForWhoDidNotAskAndThereForWhoDoes) {
  Use(true);
  const Answer miss = AskNow(ChatStreamRequest(false));
  EXPECT_EQ(miss.cache, "larder; fwd=miss");
  EXPECT_EQ(miss.body, Stream(true, false)) << "all else the upstream's bytes";
  EXPECT_TRUE(AsksUsage(json::parse(last_body_)));
  const Answer again = AskNow(ChatStreamRequest(false));
  EXPECT_THAT(again.cache, StartsWith("larder; hit"));
  EXPECT_THAT(again.body, Not(HasSubstr("prompt_tokens")));
  EXPECT_EQ(again.outcome.saved_microusd, 45) << "its tokens are known";
  EXPECT_THAT(AskNow(ChatStreamRequest(true)).body, HasSubstr("prompt_tokens"));
  const Answer as_json = AskNow(ChatRequest());
  EXPECT_THAT(as_json.cache, StartsWith("larder; hit"));
  EXPECT_EQ(json::parse(as_json.body)["usage"], json::parse(ChatJson())["usage"]);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingUsageTest, IsNotAskedForUnlessToldTo) {
  Use(false);
  const Request request = ChatStreamRequest(false);
  EXPECT_EQ(AskNow(request).body, Stream(false, false));
  EXPECT_EQ(last_body_, request.body);
  EXPECT_THAT(AskNow(ChatRequest()).cache, HasSubstr("detail=no-usage"));
}

TEST_F(CachingUsageTest, CallersWhoWantItJoinAFlightOfOneWhoDoesNot) {
  Use(true);
  auto leader = stack_->Open(ChatStreamRequest(false));
  EXPECT_EQ(leader->Read(), ": busy\n\n" + ChatEvents(true)[0]) << "at once";
  std::future<Answer> stream = stack_->Begin(ChatStreamRequest(true));
  std::future<Answer> whole = stack_->Begin(ChatRequest());
  WaitForJoined(2);
  go_.Open();
  EXPECT_EQ(stream.get().body, Stream(true, true));
  EXPECT_EQ(json::parse(whole.get().body)["usage"], json::parse(ChatJson())["usage"]);
  std::string rest;
  while (const auto piece = leader->Read()) rest += *piece;
  EXPECT_OK(leader->status());
  EXPECT_THAT(rest, Not(HasSubstr("prompt_tokens")));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingUsageTest, WhatIsNotCachedOrHasNothingToAskIsSentAsItIs) {
  Use(true);
  Request past = ChatStreamRequest(false);
  past.directives.no_store = true;
  Request odd = ChatStreamRequest(false, "odd");
  odd.body.insert(1, R"("stream_options":"a string",)");  // the upstream will say what it thinks
  for (const Request& request : {past, odd, ChatRequest(), ChatStreamRequest(true, "other")}) {
    EXPECT_OK(AskNow(request).status);
    EXPECT_EQ(last_body_, request.body);
  }
}

TEST_F(CachingUsageTest, KeyIsTheSameWithTheSettingAndWithout) {
  Use(false);
  AskNow(ChatStreamRequest(false));
  config_.providers["openai"].inject_usage = true;
  stack_ = MakeStackWorker();
  EXPECT_THAT(AskNow(ChatStreamRequest(false)).cache, StartsWith("larder; hit"));
  EXPECT_THAT(AskNow(ChatStreamRequest(true)).cache, HasSubstr("detail=no-usage"));
}

}  // namespace
}  // namespace larder::client
