// The typed client's reading of requests, answers and events: nothing crashes, and a request that
// was read is written as it was.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "event_stream.h"
#include "fuzz_check.h"
#include "llm_dialect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace larder::client;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const LlmDialect* dialect : {&OpenAiLlm(), &OpenAiResponsesLlm(), &AnthropicLlm()}) {
    static_cast<void>(dialect->ReadAnswer(text));
    LlmStreamState state;
    for (const Event& event : ParseEventStream(text)) {
      dialect->ReadEvent(event, state, [](const LlmEvent&) { return true; });
    }
    const auto request = dialect->ReadRequest(text);
    if (!request.ok()) continue;
    const auto written = dialect->WriteRequest(*request, /*stream=*/false);
    FUZZ_CHECK(written.ok());
    nlohmann::json original = nlohmann::json::parse(text);
    for (const char* form : {"stream", "stream_options"}) original.erase(form);
    const bool without_limit = !original.contains("max_tokens");
    nlohmann::json back = nlohmann::json::parse(*written);
    if (dialect == &AnthropicLlm() && without_limit) back.erase("max_tokens");  // it needs one
    FUZZ_CHECK(back == original);
  }
  return 0;
}
