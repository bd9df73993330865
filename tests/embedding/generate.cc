#include <cstdlib>
#include <iostream>

#include "larder/client/llm_client.h"

using namespace larder::client;

int main(int argc, char**) {
  const char* key = std::getenv("LLM_KEY");
  if (key == nullptr) return std::cerr << "set LLM_KEY\n", 2;

  // Reads config.json, opens the cache that it names, builds the stack of every provider.
  auto llm = LlmClient::Open({.file = "config.json", .environment = ProcessEnvironment()});
  if (!llm.ok()) return std::cerr << llm.status().ToString() << '\n', 1;

  // With any argument: what is tagged so is a miss from now on, also after a crash.
  if (argc > 1 && !(*llm)->cache()->Invalidate({.tags = {"faq"}}).ok()) return 1;

  LlmRequest request{.model = "gpt-4o", .messages = {Message::Of(Role::kUser, "Why?")}};
  CallOptions options{.credential = key, .timeout = std::chrono::minutes(1)};
  options.directives.tags = {"faq"};
  auto answer = (*llm)->Generate(request, options);
  if (!answer.ok()) return std::cerr << answer.status().ToString() << '\n', 1;
  std::cout << FormatCacheStatus(answer->cache) << '\n' << answer->text() << '\n';
  if (answer->usage) std::cout << answer->usage->output_tokens << " tokens\n";
}
