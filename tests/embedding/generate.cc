#include <cstdlib>
#include <iostream>

#include "larder/client/llm_client.h"

using namespace larder::client;

int main() {
  // Reads config.json, opens the cache that it names, builds the stack of every provider.
  auto llm = LlmClient::Open({.file = "config.json", .environment = ProcessEnvironment()});
  if (!llm.ok()) return std::cerr << llm.status().ToString() << '\n', 1;

  LlmRequest request{.model = "gpt-4o", .messages = {Message::Of(Role::kUser, "Why?")}};
  CallOptions options{.credential = std::getenv("LLM_KEY")};
  options.directives.tags = {"faq"};  // Cache::Invalidate({.tags = {"faq"}}) makes it a miss
  auto answer = (*llm)->Generate(request, options);
  if (!answer.ok()) return std::cerr << answer.status().ToString() << '\n', 1;
  std::cout << FormatCacheStatus(answer->cache) << '\n' << answer->text() << '\n';
  if (answer->usage) std::cout << answer->usage->output_tokens << " tokens\n";
}
