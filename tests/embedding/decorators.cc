#include "larder/client/asio/decorators.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <iostream>
#include <utility>

using namespace larder::client;
namespace asio = boost::asio;

// A layer of one's own: anything that implements HttpService.
class Counting final : public HttpService {
 public:
  explicit Counting(std::shared_ptr<HttpService> inner) : inner_(std::move(inner)) {}
  asio::awaitable<larder::Result<Response>> Send(Request request) override {
    std::cout << "attempt " << ++count_ << '\n';
    co_return co_await inner_->Send(std::move(request));
  }

 private:
  const std::shared_ptr<HttpService> inner_;
  int count_ = 0;
};

asio::awaitable<void> Ask(HttpService& service) {
  Request request;
  request.target = "/v1/chat/completions";
  request.headers = {{"content-type", "application/json"}};
  request.body = R"({"model":"gpt-4o","messages":[{"role":"user","content":"Why?"}]})";
  larder::Result<Response> response = co_await service.Send(std::move(request));
  if (!response.ok()) {
    std::cout << response.status().ToString() << '\n';
    co_return;
  }
  std::cout << response->head.status << ' ' << FormatCacheStatus(response->head.cache) << '\n';
}

int main() {
  const char* url = std::getenv("LLM_URL");  // https://api.openai.com
  if (url == nullptr) return std::cerr << "set LLM_URL\n", 2;

  asio::io_context io(1);
  asio::thread_pool pool(2);
  ClientConfig config;
  ProviderConfig& provider = config.providers["openai"];
  provider.name = "openai";
  provider.base_url = url;
  provider.retry = {.max_attempts = 2, .base_delay = std::chrono::milliseconds(1)};
  auto cache = larder::Cache::Open({.directory = "answers"});
  if (!cache.ok()) return std::cerr << cache.status().ToString() << '\n', 1;

  // caching( retrying( counting( http )))
  auto http = MakeHttp(io, provider);
  if (!http.ok()) return std::cerr << http.status().ToString() << '\n', 1;
  auto retrying = MakeRetrying(io, provider, std::make_shared<Counting>(*http));
  auto caching = MakeCaching({.io = io, .pool = pool, .cache = cache->get()}, config, "openai",
                             std::move(retrying));
  if (!caching.ok()) return std::cerr << caching.status().ToString() << '\n', 1;
  asio::co_spawn(io, Ask(**caching), asio::detached);
  io.run();
  pool.join();  // what is complete is stored before the cache goes
}
