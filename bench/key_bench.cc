// How fast a request becomes its key: parsed, checked, written in canonical form, hashed. One
// thread; the bar is 200 MB/s for requests of 1 to 100 KB.
//
// `recorded` are all recorded chat requests, as they came; `prompt/N` is a chat of about N bytes
// whose text is that of recorded requests, as most large requests are; `escaped/N` the same with
// an escape every few bytes; `structure/N` short names and numbers only, the slowest that there is.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "larder/client/explain_key.h"
#include "recorded.h"

namespace larder::bench {
namespace {

constexpr const char* kTarget = "/v1/chat/completions";

const std::vector<std::string>& Recorded() {
  static const std::vector<std::string> bodies = [] {
    std::vector<std::string> all;
    for (auto& exchange : testing::LoadRecorded("chat_completions.json")) {
      all.push_back(std::move(exchange.request_body));
    }
    return all;
  }();
  return bodies;
}

// Recorded text without quotes, backslashes and controls: it can stand in a JSON string.
std::string Prose(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; i = (i + 1) % Recorded().size()) {
    for (const char c : Recorded()[i]) {
      if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) text += c;
    }
  }
  text.resize(size);
  while (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80) text.pop_back();
  return text;
}

std::string Chat(const std::string& content) {
  return R"({"model":"gpt-4o","temperature":0.7,"stream":true,"messages":[{"role":"system",)"
         R"("content":"Be brief."},{"role":"user","content":")" +
         content + R"("}],"user":"u"})";
}

void Derive(benchmark::State& state, const std::vector<std::string>& bodies) {
  client::ProviderConfig provider;
  provider.base_url = "https://api.openai.com";
  client::Request request;
  request.target = kTarget;
  request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer k"}};
  std::size_t next = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    request.body = bodies[next];
    next = (next + 1) % bodies.size();
    bytes += request.body.size();
    const auto explained = client::ExplainKey(request, provider, client::Policy(), "scope");
    if (!explained.ok()) std::abort();
    benchmark::DoNotOptimize(explained->key);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void RecordedRequests(benchmark::State& state) { Derive(state, Recorded()); }
void Prompt(benchmark::State& state) {
  Derive(state, {Chat(Prose(static_cast<std::size_t>(state.range(0))))});
}
void Escaped(benchmark::State& state) {
  std::string content;
  const std::string prose = Prose(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < prose.size(); ++i) {
    content += prose[i];
    if (i % 40 == 0 && static_cast<unsigned char>(prose[i]) < 0x80) content += "\\n";
  }
  while (static_cast<unsigned char>(content.back()) >= 0x80) content.pop_back();
  Derive(state, {Chat(content)});
}
void Structure(benchmark::State& state) {
  std::string body = R"({"model":"m","logit_bias":{)";
  for (int i = 0; body.size() < static_cast<std::size_t>(state.range(0)); ++i) {
    body += (i > 0 ? ",\"" : "\"") + std::to_string(1000 + i * 7919 % 99'991) + "\":-1.5";
  }
  Derive(state, {body + "}}"});
}

BENCHMARK(RecordedRequests)->Name("Key/larder/recorded");
BENCHMARK(Prompt)->Name("Key/larder/prompt")->Arg(1'000)->Arg(10'000)->Arg(100'000);
BENCHMARK(Escaped)->Name("Key/larder/escaped")->Arg(1'000)->Arg(10'000)->Arg(100'000);
BENCHMARK(Structure)->Name("Key/larder/structure")->Arg(1'000)->Arg(10'000)->Arg(100'000);

}  // namespace
}  // namespace larder::bench

BENCHMARK_MAIN();
