#include "rough_caller.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <vector>

namespace larder::testing {
namespace {

using std::chrono_literals::operator""ms;

void Pause(std::uint64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

void HangUp(SoakCaller& caller, WireClient connection) {
  const SoakRequest request = caller.Announce("hangs up");
  const bool whole = caller.OneIn(2);
  const std::size_t bytes = whole ? request.text.size() : caller.Random(request.text.size());
  connection.Send(request.text.substr(0, bytes));
  if (whole && caller.OneIn(2)) {
    WireAnswer answer = connection.ReadHead();
    if (answer.status != 0) connection.ReadUntil(answer, std::to_string(caller.Random(1'000)));
  }
  caller.world().oracle.Abandoned("abandoned");
}

// Some servers take it for a hang-up: no answer will do, a wrong one will not.
void CloseHalf(SoakCaller& caller, WireClient connection) {
  SoakCall call = caller.Invent();
  call.may_fail = true;
  call.how = "closes its half";
  const SoakRequest request = caller.Announce(call);
  connection.Send(request.text);
  connection.CloseSending();
  caller.world().oracle.Judge(request.number, connection.Read());
}

void ReadSlowly(SoakCaller& caller, WireClient connection) {
  const SoakRequest request = caller.Announce("reads slowly");
  connection.Send(request.text);
  WireAnswer answer = connection.ReadHead();
  if (answer.status != 0) {
    for (int i = 0; i < 5 && !answer.whole; ++i) {
      Pause(caller.Random(300));
      connection.ReadUntil(answer, std::string(1, static_cast<char>('a' + caller.Random(26))));
    }
    if (!answer.whole) connection.ReadRest(answer);
  }
  caller.world().oracle.Judge(request.number, answer);
}

void SendSlowly(SoakCaller& caller, WireClient connection) {
  const SoakRequest request = caller.Announce("sends slowly");
  const std::size_t head = caller.Random(40);
  for (std::size_t i = 0; i < head; ++i) {
    connection.Send(request.text.substr(i, 1));
    Pause(caller.Random(30));
  }
  if (caller.OneIn(2)) return caller.world().oracle.Abandoned("abandoned");
  connection.Send(request.text.substr(head));
  caller.world().oracle.Judge(request.number, connection.Read());
}

void SendGarbage(SoakCaller& caller, WireClient connection) {
  static const std::vector<std::string> kFixed = {
      "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n"
      "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n{}  ",
      "GET /v1/models HTTP/1.1\r\nhost: a\r\nx: " + std::string(100'000, 'x') + "\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "\r\n\r\n\r\n",
      "POST /v1/chat/completions HTTP/1.1\nhost: a\n\n"};
  std::string bytes;
  if (caller.OneIn(2)) {
    bytes = kFixed[caller.Random(kFixed.size())];
  } else {
    for (std::uint64_t left = 1 + caller.Random(2'000); left > 0; --left) {
      bytes += static_cast<char>(caller.Random(256));
    }
  }
  connection.Send(bytes);
  connection.CloseSending();
  const std::string answer = connection.ReadToEnd();
  caller.world().oracle.Abandoned("garbage");
  if (answer.starts_with("HTTP/1.1 2")) {
    caller.world().tally.Find("garbage was answered well: " + answer.substr(0, 200));
  }
}

void SendSeveral(SoakCaller& caller, WireClient connection) {
  std::vector<SoakRequest> requests;
  std::string bytes;
  for (std::uint64_t left = 2 + caller.Random(4); left > 0; --left) {
    requests.push_back(caller.Announce("one of several"));
    bytes += requests.back().text;
  }
  connection.Send(bytes);
  for (const SoakRequest& request : requests) {
    caller.world().oracle.Judge(request.number, connection.Read());
  }
}

struct Roughness {
  const char* name;
  void (*run)(SoakCaller&, WireClient);
  int receive_buffer;
};

constexpr Roughness kKinds[] = {
    {"caller: hangs up", HangUp, 0},
    {"caller: closes its half", CloseHalf, 0},
    {"caller: reads slowly", ReadSlowly, 4'096},
    {"caller: sends slowly", SendSlowly, 0},
    {"caller: sends garbage", SendGarbage, 0},
    {"caller: sends several at once", SendSeveral, 0},
};

}  // namespace

void BeRough(SoakCaller& caller) {
  const Roughness& kind = kKinds[caller.Random(std::size(kKinds))];
  std::optional<WireClient> connection = caller.Connect(kind.receive_buffer);
  if (!connection) return;
  caller.world().tally.CountFault(kind.name);
  kind.run(caller, *std::move(connection));
}

}  // namespace larder::testing
