#include "gateway_caller.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <utility>

#include "larder/client/asio/decorators.h"

namespace larder::cachectl {
namespace {

namespace asio = boost::asio;

asio::awaitable<Result<GatewayAnswer>> Fetch(client::HttpService& http, client::Request request) {
  Result<client::Response> response = co_await http.Send(std::move(request));
  if (!response.ok()) co_return response.status();
  while (true) {
    const Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok()) co_return piece.status();
    if (piece->empty()) break;
  }
  co_return GatewayAnswer{response->head.status, response->head.headers.Joined("cache-status")};
}

asio::awaitable<void> Keep(asio::awaitable<Result<GatewayAnswer>> fetch,
                           std::optional<Result<GatewayAnswer>>& answer) {
  answer.emplace(co_await std::move(fetch));
}

class Caller final : public GatewayCaller {
 public:
  Status Open(const std::string& url) {
    client::ProviderConfig provider;
    provider.name = "gateway";
    provider.base_url = url;
    provider.proxy = "none";
    provider.timeouts.first_byte = provider.timeouts.idle = provider.timeouts.total;
    Result<std::shared_ptr<client::HttpService>> http = client::MakeHttp(io_, provider);
    if (!http.ok()) return http.status();
    http_ = *std::move(http);
    return Status::Ok();
  }

  Result<GatewayAnswer> Send(client::Request request) override {
    std::optional<Result<GatewayAnswer>> answer;
    auto fetch = Keep(Fetch(*http_, std::move(request)), answer);
    asio::co_spawn(io_, std::move(fetch), asio::detached);
    io_.restart();
    while (!answer && io_.run_one() > 0) {
    }
    if (!answer) return Status(StatusCode::kInternal, "the request never ended");
    return *std::move(answer);
  }

 private:
  asio::io_context io_{1};
  std::shared_ptr<client::HttpService> http_;
};

}  // namespace

Result<std::unique_ptr<GatewayCaller>> GatewayCaller::Create(const std::string& url) {
  auto caller = std::make_unique<Caller>();
  if (Status opened = caller->Open(url); !opened.ok()) return opened;
  return std::unique_ptr<GatewayCaller>(std::move(caller));
}

}  // namespace larder::cachectl
