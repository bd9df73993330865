#include "event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "recorded.h"

namespace larder::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Event Data(std::string data) { return {"", std::move(data)}; }

TEST(EventStreamTest, LinesEndInAnyOfThreeWays) {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const std::string e = end;
    EXPECT_THAT(ParseEventStream("event: a" + e + "data: 1" + e + e + "data: 2" + e + e),
                ElementsAre(Event{"a", "1"}, Data("2")));
  }
  EXPECT_THAT(ParseEventStream("data: 1\r\rdata: 2\n\r\ndata: 3\r\n\n"),
              ElementsAre(Data("1"), Data("2"), Data("3")));
}

TEST(EventStreamTest, DataLinesAreJoined) {
  EXPECT_THAT(ParseEventStream("data: a\ndata:b\ndata\ndata:  c\n\n"),
              ElementsAre(Data("a\nb\n\n c")));
  EXPECT_THAT(ParseEventStream("data\n\ndata:\n\n"), ElementsAre(Data(""), Data("")));
}

TEST(EventStreamTest, CommentsAndOtherFieldsAreNotEvents) {
  EXPECT_THAT(ParseEventStream(": OPENROUTER PROCESSING\n\nid: 1\nretry: 5\n\nevent: alone\n\n"
                               "data: 1\n: in between\ndata: 2\nunknown\n\n"),
              ElementsAre(Data("1\n2")));
  EXPECT_THAT(ParseEventStream(""), IsEmpty());
  EXPECT_THAT(ParseEventStream("\n\n\n"), IsEmpty());
}

TEST(EventStreamTest, AByteOrderMarkIsSkippedAtTheStartOnly) {
  EXPECT_THAT(ParseEventStream("\xEF\xBB\xBF"
                               "data: 1\n\n\xEF\xBB\xBF"
                               "data: 2\n\n"),
              ElementsAre(Data("1")));
}

TEST(EventStreamTest, ANameHoldsForOneEvent) {
  EXPECT_THAT(ParseEventStream("event: a\nevent: b\ndata: 1\n\ndata: 2\n\nevent: c\n\ndata: 3\n\n"),
              ElementsAre(Event{"b", "1"}, Data("2"), Data("3")));
}

TEST(EventStreamTest, TheLastBlankLineMayBeMissing) {
  std::vector<Event> events;
  EventStreamParser parser;
  parser.Feed("data: 1\n\ndata: 2\n", events);
  EXPECT_THAT(events, ElementsAre(Data("1")));
  EXPECT_FALSE(parser.Finish(events));
  EXPECT_THAT(events, ElementsAre(Data("1"), Data("2")));
}

TEST(EventStreamTest, ALineWithoutEndIsTold) {
  std::vector<Event> events;
  EventStreamParser parser;
  parser.Feed("data: 1\n\ndata: {\"cut", events);
  EXPECT_TRUE(parser.Finish(events));
  EXPECT_THAT(events, ElementsAre(Data("1"), Data("{\"cut")));
}

TEST(EventStreamTest, WrittenEventsReadBack) {
  const std::vector<Event> events = {
      {"", "[DONE]"}, {"name", "a\nb\n\nc\n"}, {"", ""}, {"x", " y"}};
  std::string text;
  for (const Event& event : events) WriteEvent(event, text);
  EXPECT_EQ(ParseEventStream(text), events);
  EXPECT_THAT(text, ::testing::StartsWith("data: [DONE]\n\nevent: name\ndata: a\ndata: b\n"));
}

// Cut so that line ends, names and characters are torn apart, at random and at every byte.
TEST(EventStreamTest, AnyCutGivesTheSameEvents) {
  std::mt19937 random(92);
  for (const auto& exchange : testing::LoadRecorded("chat_completions.sse")) {
    const std::string_view bytes = exchange.response_body;
    const std::vector<Event> whole = ParseEventStream(bytes);
    ASSERT_FALSE(whole.empty());
    for (const std::size_t longest : {std::size_t{1}, std::size_t{7}, std::size_t{5000}}) {
      EventStreamParser parser;
      std::vector<Event> events;
      for (std::string_view rest = bytes; !rest.empty();) {
        const std::size_t size = std::min<std::size_t>(1 + random() % longest, rest.size());
        parser.Feed(rest.substr(0, size), events);
        parser.Feed("", events);
        rest.remove_prefix(size);
      }
      parser.Finish(events);
      ASSERT_EQ(events, whole) << exchange.index << " in pieces of up to " << longest;
    }
  }
}

TEST(EventStreamTest, AnyLineEndGivesTheSameEvents) {
  for (const auto& exchange : testing::LoadRecorded("chat_completions.sse")) {
    std::string carriage_returns;
    for (const char c : exchange.response_body) {
      if (c == '\n') carriage_returns += '\r';
      if (c != '\n' && c != '\r') carriage_returns += c;
    }
    ASSERT_EQ(ParseEventStream(carriage_returns), ParseEventStream(exchange.response_body));
  }
}

TEST(EventStreamTest, ALongLineInSmallPiecesTakesLinearTime) {
  EventStreamParser parser;
  std::vector<Event> events;
  parser.Feed("data: ", events);
  const std::string piece(16, 'x');
  for (int i = 0; i < 1'000'000; ++i) parser.Feed(piece, events);  // hours, if it were quadratic
  parser.Feed("\n\n", events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data.size(), 16'000'000u);
}

}  // namespace
}  // namespace larder::client
