// Every endpoint, the input as a request, as a JSON answer and as a stream: nothing crashes; what
// is split assembles to the same; what is judged storable can be given in the other form.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "dialect.h"
#include "fuzz_check.h"

namespace {

using larder::client::Endpoint;
using larder::client::Event;
using nlohmann::json;

void AsAnswer(const Endpoint& endpoint, std::string_view text) {
  const auto verdict = endpoint.JudgeJson({}, {}, text);
  const auto events = endpoint.Split(text);
  if (!events.ok()) return;
  const auto back = endpoint.Assemble(*events);
  FUZZ_CHECK(back.ok());
  FUZZ_CHECK(json::parse(*back) == json::parse(text));
  static_cast<void>(verdict);
}

void AsStream(const Endpoint& endpoint, std::string_view text) {
  const std::vector<Event> events = endpoint.Normalize(larder::client::ParseEventStream(text));
  const auto verdict = endpoint.JudgeStream({}, {}, events);
  static_cast<void>(endpoint.UsageEvent(events));
  const auto answer = endpoint.Assemble(events);
  if (verdict.store) FUZZ_CHECK(answer.ok());
  if (answer.ok()) FUZZ_CHECK(json::accept(*answer));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr const char* kEndpoints[] = {"openai.chat", "openai.completions", "openai.responses",
                                        "anthropic.messages"};
  const Endpoint& endpoint = *larder::client::FindEndpoint(kEndpoints[data[0] % 4]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static_cast<void>(endpoint.Plan(text));
  AsAnswer(endpoint, text);
  AsStream(endpoint, text);
  return 0;
}
