#include "misbehaving_upstream.h"

#include <thread>

namespace larder::testing {
namespace {

// Byte for byte, as slowly as the reader likes, until it has had enough.
void Drip(UpstreamExchange& exchange, char byte) {
  while (exchange.Send(std::string_view(&byte, 1))) std::this_thread::yield();
}

std::string Head(const GoodAnswer& answer, const std::string& fields = "") {
  return "HTTP/1.1 200 OK\r\ncontent-type: " + answer.content_type + "\r\n" + answer.more_fields +
         fields;
}

std::string Length(std::size_t bytes) {
  return "content-length: " + std::to_string(bytes) + "\r\n\r\n";
}

std::string Half(const GoodAnswer& answer) { return answer.body.substr(0, answer.body.size() / 2); }

Misbehaviour TooMany(std::string name, Fate fate, std::string fields) {
  return {std::move(name), fate,
          [fields = std::move(fields)](UpstreamExchange& exchange, const GoodAnswer& answer) {
            exchange.Answer(429, "application/json", R"({"error":{"message":"busy"}})",
                            answer.more_fields + fields);
          }};
}

std::vector<Misbehaviour> Heads() {
  return {
      {"SlowHead", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         // A part of it, in pieces; then nothing for as long as the reader waits.
         for (const char c : Head(answer, "x-slow: ")) exchange.Send(std::string_view(&c, 1));
         exchange.WaitForHangUp();
       }},
      {"NoHead", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer&) { exchange.WaitForHangUp(); }},
      {"ClosedWithoutAnswer", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer&) { exchange.Close(); }},
      {"ResetWithoutAnswer", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer&) { exchange.Reset(); }},
      {"HugeHead", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer, "x-huge: " + std::string(1'000'000, 'x') + "\r\n"));
         exchange.Send(Length(answer.body.size()) + answer.body);
       }},
      {"EndlessHead", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer));
         while (exchange.Send("x-more: of the same\r\n")) std::this_thread::yield();
         exchange.Close();
       }},
      {"NotHttp", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer&) {
         exchange.Send("SSH-2.0-OpenSSH_9.2\r\n");
         exchange.Close();
       }},
      {"InterimHeads", Fate::kWhole,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
         exchange.Send("HTTP/1.1 102 Processing\r\n\r\n");
         exchange.Answer(200, answer.content_type, answer.body, answer.more_fields);
       }},
  };
}

std::vector<Misbehaviour> Framings() {
  return {
      {"Http10WithLength", Fate::kWhole,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send("HTTP/1.0 200 OK\r\ncontent-type: " + answer.content_type + "\r\n");
         exchange.Send(answer.more_fields + Length(answer.body.size()) + answer.body);
         exchange.Close();
       }},
      {"Http10EndedByClose", Fate::kWhole,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send("HTTP/1.0 200 OK\r\ncontent-type: " + answer.content_type + "\r\n");
         exchange.Send(answer.more_fields + "\r\n" + answer.body);
         exchange.Close();
       }},
      {"Trailers", Fate::kWhole,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.BeginChunks(200, answer.content_type, answer.more_fields + "trailer: x-late\r\n");
         exchange.Chunk(answer.body);
         exchange.Send("0\r\nx-late: yes\r\n\r\n");
       }},
      {"ChunksOfOneByte", Fate::kWhole,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.BeginChunks(200, answer.content_type, answer.more_fields);
         for (const char c : answer.body) exchange.Chunk(std::string(1, c));
         exchange.EndChunks();
       }},
      {"TwoAnswersAtOnce", Fate::kWhole,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         const std::string one = Head(answer) + Length(answer.body.size()) + answer.body;
         exchange.Send(one + Head(answer) + Length(6) + "poison");
       }},
      {"Gzip", Fate::kUnstored,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Answer(200, answer.content_type, "\x1f\x8b and so on",
                         answer.more_fields + "content-encoding: gzip\r\n");
       }},
      {"ErrorUnder200", Fate::kUnstored,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         const std::string error = R"({"error":{"message":"sorry"}})";
         const bool events = answer.content_type != "application/json";
         exchange.Answer(200, answer.content_type,
                         events ? "data: " + error + "\n\ndata: [DONE]\n\n" : error,
                         answer.more_fields);
       }},
      {"ErrorAmidst", Fate::kUnstored,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         const std::string error = R"({"type":"error","error":{"message":"sorry"}})";
         const std::string half = Half(answer);
         const std::string events = half.substr(0, half.rfind("\n\n"));
         exchange.Answer(200, answer.content_type,
                         events + "\n\nevent: error\ndata: " + error + "\n\n", answer.more_fields);
       }},
      {"AnotherKindOfText", Fate::kUnstored,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Answer(200, answer.content_type, "<html>Welcome to this hotel</html>",
                         answer.more_fields);
       }},
      {"EmptyBody", Fate::kUnstored,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Answer(200, answer.content_type, "", answer.more_fields);
       }},
      {"LengthTooSmall", Fate::kUnstored,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer) + Length(answer.body.size() / 2) + answer.body);
       }},
  };
}

std::vector<Misbehaviour> Bodies() {
  return {
      {"LengthTooLarge", Fate::kCut,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer) + Length(answer.body.size() + 1) + answer.body);
         exchange.Close();
       }},
      {"ResetInBody", Fate::kCut,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer) + Length(answer.body.size()) + Half(answer));
         exchange.Reset();
       }},
      {"ChunksClosedWithoutEnd", Fate::kCut,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.BeginChunks(200, answer.content_type, answer.more_fields);
         exchange.Chunk(answer.body);
         exchange.Close();
       }},
      {"ChunksWithoutEnd", Fate::kCut,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.BeginChunks(200, answer.content_type, answer.more_fields);
         exchange.Chunk(answer.body);
         exchange.WaitForHangUp();
       }},
      {"SilenceInBody", Fate::kCut,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer) + Length(answer.body.size()) + Half(answer));
         exchange.WaitForHangUp();
       }},
      {"DrippingBody", Fate::kCut,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Send(Head(answer) + Length(1'000'000'000) + Half(answer));
         Drip(exchange, ' ');
       }},
  };
}

std::vector<Misbehaviour> Statuses() {
  const auto plain = [](int status) {
    return [status](UpstreamExchange& exchange, const GoodAnswer& answer) {
      exchange.Answer(status, "application/json", R"({"error":{"message":"no"}})",
                      answer.more_fields);
    };
  };
  return {
      {"InternalError", Fate::kRetried, plain(500)},
      {"Overloaded", Fate::kRetried, plain(529)},
      {"RequestTimeout", Fate::kRetried, plain(408)},
      {"Conflict", Fate::kRetried, plain(409)},
      {"BadRequest", Fate::kError, plain(400)},
      {"Unauthorized", Fate::kError, plain(401)},
      {"ErrorCutShort", Fate::kRetried,
       [](UpstreamExchange& exchange, const GoodAnswer&) {
         exchange.Send("HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\nhalf");
         exchange.Close();
       }},
      TooMany("RateLimited", Fate::kRetried, ""),
      TooMany("RetryAfterMilliseconds", Fate::kRetried, "retry-after-ms: 1\r\n"),
      TooMany("RetryAfterZero", Fate::kRetried, "retry-after: 0\r\n"),
      TooMany("RetryAfterFraction", Fate::kRetried, "retry-after: 0.001\r\n"),
      TooMany("RetryAfterPastDate", Fate::kRetried,
              "retry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n"),
      TooMany("RetryAfterNegative", Fate::kRetried, "retry-after: -5\r\n"),
      TooMany("RetryAfterNonsense", Fate::kRetried, "retry-after: later\r\n"),
      TooMany("RetryAfterTooLong", Fate::kError, "retry-after: 3600\r\n"),
      TooMany("RetryAfterFarDate", Fate::kError, "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
      TooMany("ShouldNotRetry", Fate::kError, "x-should-retry: false\r\n"),
      {"OutOfQuota", Fate::kError,
       [](UpstreamExchange& exchange, const GoodAnswer& answer) {
         exchange.Answer(429, "application/json", R"({"error":{"code":"insufficient_quota"}})",
                         answer.more_fields);
       }},
  };
}

}  // namespace

const std::vector<Misbehaviour>& Misbehaviours() {
  static const std::vector<Misbehaviour> all = [] {
    std::vector<Misbehaviour> list;
    for (auto group : {Heads(), Framings(), Bodies(), Statuses()}) {
      for (Misbehaviour& one : group) list.push_back(std::move(one));
    }
    return list;
  }();
  return all;
}

}  // namespace larder::testing
