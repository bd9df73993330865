#include <cstdlib>
#include <iostream>

#include "larder/client/caching_client.h"

int main() {
  const char* url = std::getenv("LLM_URL");  // https://api.openai.com
  const char* key = std::getenv("LLM_KEY");
  if (url == nullptr || key == nullptr) return std::cerr << "set LLM_URL and LLM_KEY\n", 2;
  larder::client::ClientConfig config;
  config.cache.directory = "answers";  // created; one process at a time holds it
  config.providers["openai"].base_url = url;
  auto cache = larder::Cache::Open(config.cache);
  if (!cache.ok()) return std::cerr << cache.status().ToString() << '\n', 1;
  auto client = larder::client::CachingClient::Create(config, cache->get());
  if (!client.ok()) return std::cerr << client.status().ToString() << '\n', 1;
  larder::client::Request request;
  request.target = "/v1/chat/completions";
  request.headers = {{"authorization", std::string("Bearer ") + key}};
  request.body = R"({"model":"gpt-4o","messages":[{"role":"user","content":"What's 5 + 5?"}]})";
  auto answer = (*client)->Send("openai", request);
  if (!answer.ok()) return std::cerr << answer.status().ToString() << '\n', 1;
  std::cout << FormatCacheStatus(answer->head.cache) << '\n' << answer->body << '\n';
}
