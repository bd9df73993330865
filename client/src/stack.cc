#include "larder/client/asio/stack.h"

#include <memory>
#include <string>
#include <utility>

#include "auth/authenticating_service.h"
#include "auth/authenticator.h"
#include "auth/client_certificate_service.h"
#include "caching_core.h"
#include "caching_service.h"
#include "curl_http_service.h"
#include "curl_request.h"
#include "curl_tls.h"
#include "dialect.h"
#include "fallback_service.h"
#include "idle_connections.h"
#include "larder/client/asio/decorators.h"
#include "limiting_service.h"
#include "response_cache.h"
#include "retrying_service.h"

namespace larder::client {
namespace {

using Service = std::shared_ptr<HttpService>;

std::shared_ptr<ProviderHealth> HealthOf(const ProviderConfig& provider,
                                         const std::shared_ptr<HealthBoard>& board) {
  return board != nullptr ? board->Of(provider) : HealthBoard().Of(provider);
}

// With its name, which is its key in the configuration.
Result<ProviderConfig> FindProvider(const ClientConfig& config, std::string_view name) {
  const auto found = config.providers.find(std::string(name));
  if (found == config.providers.end()) {
    return Status(StatusCode::kInvalidArgument, "no provider `" + std::string(name) + "`");
  }
  ProviderConfig provider = found->second;
  provider.name = found->first;
  return provider;
}

Result<const Dialect*> DialectOf(const ProviderConfig& provider) {
  const Dialect* dialect = FindDialect(provider.dialect);
  if (dialect != nullptr) return dialect;
  return Status(StatusCode::kInvalidArgument,
                "providers." + provider.name + ": no dialect `" + provider.dialect + "`");
}

// caching( limiting( retrying( authenticating( http )))) of one provider.
Result<Service> OneProvider(const StackParts& parts, const ClientConfig& config,
                            const ProviderConfig& provider) {
  Result<Service> http = MakeHttp(parts.io, provider);
  if (!http.ok()) return http.status();
  Service authenticating = MakeAuthenticating(parts, provider, *std::move(http));
  Service calls = MakeRetrying(parts.io, provider, std::move(authenticating), parts.health);
  if (parts.call_limits != nullptr && parts.call_limits->limit().max_concurrent > 0) {
    calls = MakeLimiting(parts.io, provider, std::move(calls), *parts.call_limits);
  }
  return MakeCaching(parts, config, provider.name, std::move(calls));
}

Result<std::vector<Fallback>> Fallbacks(const StackParts& parts, const ClientConfig& config,
                                        const ProviderConfig& provider) {
  const std::string place = "providers." + provider.name + ".fallback";
  std::vector<Fallback> others;
  for (const FallbackConfig& fallback : provider.fallback) {
    const Result<ProviderConfig> other = FindProvider(config, fallback.provider);
    if (!other.ok()) return other.status().WithContext(place);
    if (other->name == provider.name || other->dialect != provider.dialect) {
      return Status(StatusCode::kInvalidArgument, place + ": `" + fallback.provider +
                                                      "` is not another provider with dialect `" +
                                                      provider.dialect + "`");
    }
    Result<Service> service = OneProvider(parts, config, *other);
    if (!service.ok()) return service.status();
    others.push_back({*std::move(service), fallback.models});
  }
  return others;
}

// What a stack is to others, who own it alone.
class Stack final : public HttpService {
 public:
  explicit Stack(Service top) : top_(std::move(top)) {}
  boost::asio::awaitable<Result<Response>> Send(Request request) override {
    const Service top = top_;  // the stack may go while this runs
    co_return co_await top->Send(std::move(request));
  }

 private:
  const Service top_;
};

}  // namespace

Result<Service> MakeHttp(boost::asio::io_context& io, const ProviderConfig& provider) {
  const Status url = CheckBaseUrl(provider.base_url);
  if (!url.ok()) return url.WithContext("providers." + provider.name);
  const Status files = CheckTlsFiles(provider.tls);
  if (!files.ok()) return files.WithContext("providers." + provider.name);
  UpstreamAddress upstream{
      .base_url = provider.base_url, .proxy = provider.proxy, .tls = provider.tls};
  return Service(std::make_shared<CurlHttpService>(io, std::move(upstream), provider.timeouts));
}

Service MakeAuthenticating(const StackParts& parts, const ProviderConfig& provider, Service inner) {
  if (provider.tls.client_key) {
    inner = std::make_shared<ClientCertificateService>(parts.io, parts.pool, provider.name,
                                                       provider.tls, std::move(inner));
  }
  const std::shared_ptr<CredentialBoard> board =
      parts.credentials != nullptr ? parts.credentials : std::make_shared<CredentialBoard>();
  std::shared_ptr<Authenticator> authenticator =
      MakeAuthenticator({parts.io, parts.pool, provider, board->Of(provider)});
  if (authenticator == nullptr) return inner;
  return std::make_shared<AuthenticatingService>(provider.name, std::move(authenticator),
                                                 std::move(inner));
}

Service MakeRetrying(boost::asio::io_context& io, const ProviderConfig& provider, Service inner,
                     const std::shared_ptr<HealthBoard>& board) {
  return std::make_shared<RetryingService>(RetryingParts{.inner = std::move(inner),
                                                         .timing = MakeRetryTiming(io),
                                                         .health = HealthOf(provider, board),
                                                         .retry = provider.retry,
                                                         .total = provider.timeouts.total,
                                                         .any_api = provider.dialect == "http"});
}

Service MakeLimiting(boost::asio::io_context& io, const ProviderConfig& provider, Service inner,
                     CallLimits& limits) {
  return std::make_shared<LimitingService>(io, std::move(inner), limits.Of(provider.name));
}

Result<Service> MakeCaching(const StackParts& parts, const ClientConfig& config,
                            std::string_view provider, Service inner) {
  const Result<ProviderConfig> settings = FindProvider(config, provider);
  if (!settings.ok()) return settings.status();
  const Result<const Dialect*> dialect = DialectOf(*settings);
  if (!dialect.ok()) return dialect.status();
  CachingLimits limits;
  limits.max_body_bytes = config.cache.max_body_bytes;
  std::shared_ptr<Refusals> refusals =
      parts.refusals != nullptr ? parts.refusals : std::make_shared<Refusals>();
  return Service(std::make_shared<CachingService>(std::make_shared<const CachingCore>(CachingCore{
      .io = parts.io,
      .pool = parts.pool,
      .store = parts.store != nullptr ? parts.store : std::make_shared<StoreThreads>(parts.pool),
      .upstream = std::move(inner),
      .cache = parts.cache == nullptr ? nullptr : MakeResponseCache(*parts.cache),
      .dialect = **dialect,
      .provider = *settings,
      .prices = config.prices,
      .limits = limits,
      .policy = config.policy,
      .ttl_jitter = config.cache.ttl_jitter,
      .negative_ttl = config.cache.negative_ttl,
      .on_abort = parts.on_abort,
      .health = HealthOf(*settings, parts.health),
      .refusals = std::move(refusals),
      .flight_memory = parts.flight_memory != nullptr ? parts.flight_memory : FlightMemory::Make(),
      .recent_misses = parts.recent_misses,
      .cassette = parts.cassette,
      .scoped_tags = parts.scoped_tags})));
}

Result<Service> MakeFallback(const ClientConfig& config, std::string_view provider, Service inner,
                             std::vector<Fallback> others,
                             const std::shared_ptr<HealthBoard>& board) {
  const Result<ProviderConfig> settings = FindProvider(config, provider);
  if (!settings.ok()) return settings.status();
  const Result<const Dialect*> dialect = DialectOf(*settings);
  if (!dialect.ok()) return dialect.status();
  return Service(
      std::make_shared<FallbackService>(FallbackParts{.primary = std::move(inner),
                                                      .targets = std::move(others),
                                                      .dialect = **dialect,
                                                      .provider = settings->name,
                                                      .policy = config.policy,
                                                      .health = HealthOf(*settings, board)}));
}

Result<std::unique_ptr<HttpService>> MakeStack(const StackParts& given, const ClientConfig& config,
                                               std::string_view provider) {
  StackParts parts = given;
  if (parts.health == nullptr) parts.health = std::make_shared<HealthBoard>();
  if (parts.credentials == nullptr) parts.credentials = std::make_shared<CredentialBoard>();
  if (parts.refusals == nullptr) parts.refusals = std::make_shared<Refusals>();
  if (parts.flight_memory == nullptr) parts.flight_memory = FlightMemory::Make();
  const Result<ProviderConfig> settings = FindProvider(config, provider);
  if (!settings.ok()) return settings.status();
  Result<std::vector<Fallback>> others = Fallbacks(parts, config, *settings);
  if (!others.ok()) return others.status();
  Result<Service> one = OneProvider(parts, config, *settings);
  if (!one.ok() || others->empty()) {
    if (!one.ok()) return one.status();
    return std::unique_ptr<HttpService>(std::make_unique<Stack>(*std::move(one)));
  }
  Result<Service> top =
      MakeFallback(config, provider, *std::move(one), *std::move(others), parts.health);
  if (!top.ok()) return top.status();
  return std::unique_ptr<HttpService>(std::make_unique<Stack>(*std::move(top)));
}

void StopIdleTimer(boost::asio::io_context& io) { IdleConnections::Of(io).Stop(); }

}  // namespace larder::client
