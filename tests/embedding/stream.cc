#include <cstdlib>
#include <iostream>

#include "larder/client/llm_client.h"

using namespace larder::client;

int main() {
  const char* url = std::getenv("LLM_URL");  // https://api.openai.com
  const char* key = std::getenv("LLM_KEY");
  if (url == nullptr || key == nullptr) return std::cerr << "set LLM_URL and LLM_KEY\n", 2;

  larder::client::ClientConfig config;
  config.providers["openai"].base_url = url;
  larder::Options options;
  options.directory = "answers";
  auto cache = larder::Cache::Open(options);
  if (!cache.ok()) return std::cerr << cache.status().ToString() << '\n', 1;
  auto llm = LlmClient::Create(config, cache->get());
  if (!llm.ok()) return std::cerr << llm.status().ToString() << '\n', 1;

  LlmRequest request{.model = "gpt-4o", .messages = {Message::Of(Role::kUser, "Weather?")}};
  request.tools = {{.name = "get_weather",
                    .description = "The weather in a city.",
                    .parameters = R"({"type":"object","properties":{"city":{"type":"string"}}})"}};
  // Called for each piece as it comes; false gives the call up, as does request_stop() of a
  // std::stop_source whose token is in CallOptions::stop.
  const auto on_event = [](const LlmEvent& event) {
    if (event.kind == LlmEvent::Kind::kText) std::cout << event.text << std::flush;
    return true;
  };
  auto answer = (*llm)->GenerateStream(request, on_event, {.credential = key});
  if (!answer.ok()) return std::cerr << answer.status().ToString() << '\n', 1;

  // A conversation goes on with the model's message as it came, unknown fields and all.
  request.messages.push_back(answer->choices.at(0).message);
  for (const Part& part : answer->choices.at(0).message.parts) {
    const auto* call = std::get_if<ToolCallPart>(&part);
    if (call == nullptr) continue;
    std::cout << "call " << call->name << ' ' << call->arguments << '\n';
    request.messages.push_back({Role::kTool, {ToolResultPart{call->id, "8 degrees, rain"}}});
  }
}
