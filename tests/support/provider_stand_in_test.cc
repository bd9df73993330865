#include "provider_stand_in.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <future>
#include <set>
#include <vector>

namespace larder::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

httplib::Result Ask(const ProviderStandIn& stand_in, const std::string& target,
                    const std::string& body) {
  httplib::Client client(stand_in.url());
  client.set_tcp_nodelay(true);
  client.set_read_timeout(20);
  return client.Post(target, body, "application/json");
}

StandInOptions Only(std::string file) { return {.pace = {}, .files = {std::move(file)}}; }

TEST(ProviderStandInTest, AnswersARecordedRequestByteForByte) {
  const ProviderStandIn stand_in(Only("chat_completions.json"));
  const std::vector<RecordedExchange> chats = LoadRecorded("chat_completions.json");
  std::set<std::string> answers;
  for (const RecordedExchange& chat : chats) {
    if (chat.request_body == chats[0].request_body) answers.insert(chat.response_body);
  }
  const auto answer = Ask(stand_in, "/v1/chat/completions", chats[0].request_body);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(answers.contains(answer->body));
  EXPECT_EQ(answer->get_header_value("content-type"), "application/json");
}

TEST(ProviderStandInTest, APathPicksOneRecordingOfMany) {
  const ProviderStandIn stand_in(Only("errors"));
  for (const RecordedExchange& error : LoadRecorded("errors")) {
    const std::string name = "errors/" + std::to_string(error.index);
    const auto answer = Ask(stand_in, "/recorded/" + name + "/v1/chat/completions", "{}");
    ASSERT_TRUE(answer) << name;
    EXPECT_EQ(answer->status, error.status) << name;
    EXPECT_EQ(answer->body, error.response_body) << name;
    EXPECT_EQ(stand_in.calls().by_recording.at(name), 1U);
  }
}

TEST(ProviderStandInTest, EveryStreamComesWhole) {
  const ProviderStandIn stand_in(Only("chat_completions.sse"));
  for (const RecordedExchange& chat : LoadRecorded("chat_completions.sse")) {
    const std::string prefix = "/recorded/chat_completions.sse/" + std::to_string(chat.index);
    const auto answer = Ask(stand_in, prefix + chat.target(), chat.request_body);
    ASSERT_TRUE(answer) << chat.source;
    EXPECT_EQ(answer->body, chat.response_body) << chat.source;
    EXPECT_EQ(answer->get_header_value("transfer-encoding"), "chunked");
  }
}

TEST(ProviderStandInTest, AnUnknownRequestIsNotFound) {
  const ProviderStandIn stand_in(Only("errors"));
  const auto answer = Ask(stand_in, "/v1/chat/completions", R"({"model":"never recorded"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
}

TEST(ProviderStandInTest, HeldAnswersWaitForTheRelease) {
  ProviderStandIn stand_in(Only("chat_completions.json"));
  stand_in.Hold();
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 200; ++i) {
    answers.push_back(std::async(std::launch::async, [&] {
      const auto answer = Ask(stand_in, "/recorded/chat_completions.json/0/v1/x", "{}");
      return answer ? answer->status : -1;
    }));
  }
  EXPECT_TRUE(stand_in.WaitForHeld(200, seconds(20)));
  stand_in.Release();
  for (std::future<int>& answer : answers) EXPECT_EQ(answer.get(), 200);
  EXPECT_EQ(stand_in.calls().by_recording.at("chat_completions.json/0"), 200U);
}

TEST(ProviderStandInTest, ACutStreamEndsInAnErrorAfterItsFirstEvents) {
  ProviderStandIn stand_in(Only("chat_completions.sse"));
  stand_in.CutAfter(2);
  std::string received;
  httplib::Client client(stand_in.url());
  httplib::Request request;
  request.method = "POST";
  request.path = "/recorded/chat_completions.sse/0/v1/chat/completions";
  request.content_receiver = [&](const char* data, std::size_t size, auto, auto) {
    received.append(data, size);
    return true;
  };
  EXPECT_FALSE(client.send(request));
  const std::string whole = LoadRecorded("chat_completions.sse")[0].response_body;
  EXPECT_EQ(received, whole.substr(0, whole.find("\n\n", whole.find("\n\n") + 2) + 2));
  EXPECT_TRUE(stand_in.WaitForTotal(1, seconds(5)));
}

TEST(ProviderStandInTest, AnAnswerTakesTheTimeThatItsTokensImply) {
  StandInOptions options = Only("chat_completions.json");
  options.pace = {
      .first_token = milliseconds(20), .tokens_per_second = 1, .longest = milliseconds(60)};
  const ProviderStandIn stand_in(options);
  const auto start = steady_clock::now();
  ASSERT_TRUE(Ask(stand_in, "/recorded/chat_completions.json/0/v1/x", "{}"));
  EXPECT_GE(steady_clock::now() - start, milliseconds(60));
}

}  // namespace
}  // namespace larder::testing
