#include "caching_fixture.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <latch>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "caching_service.h"
#include "curl_http_service.h"
#include "larder/client/asio/stack.h"

namespace larder::client {
namespace {

using nlohmann::json;

constexpr std::ptrdiff_t kPoolThreads = 2;

Answer HeadOf(const ResponseHead& head) {
  Answer answer;
  answer.code = head.status;
  answer.headers = head.headers;
  answer.cache = FormatCacheStatus(head.cache);
  answer.saved = FormatSaved(head.cache);
  answer.outcome = head.cache;
  return answer;
}

boost::asio::awaitable<void> AskAndReadAll(HttpService& service, Request request,
                                           std::shared_ptr<std::promise<Answer>> promise) {
  Answer answer;
  Result<Response> response = co_await service.Send(std::move(request));
  if (response.ok()) answer = HeadOf(response->head);
  answer.status = response.status();
  while (answer.status.ok()) {
    Result<SharedBytes> piece = co_await response->body->Read();
    answer.cut = !piece.ok();
    answer.status = piece.status();
    if (!piece.ok() || piece->empty()) break;
    answer.body += piece->view();
  }
  promise->set_value(std::move(answer));
}

boost::asio::awaitable<void> OpenInto(HttpService& service, Request request,
                                      std::optional<Response>& response, Status& status) {
  Result<Response> result = co_await service.Send(std::move(request));
  status = result.status();
  if (result.ok()) response.emplace(*std::move(result));
}

boost::asio::awaitable<void> ReadInto(BodyReader& body, std::optional<std::string>& piece,
                                      Status& status) {
  Result<SharedBytes> result = co_await body.Read();
  status = result.status();
  if (result.ok() && !result->empty()) piece = result->view();
}

// Runs a coroutine on the io_context; the future is ready when it is done.
std::future<void> Spawn(boost::asio::io_context& io, boost::asio::awaitable<void> coroutine,
                        boost::asio::cancellation_signal* cancel = nullptr) {
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> future = done->get_future();
  auto handler = [done](const std::exception_ptr&) { done->set_value(); };
  if (cancel == nullptr) {
    boost::asio::co_spawn(io, std::move(coroutine), handler);
  } else {
    boost::asio::co_spawn(io, std::move(coroutine),
                          boost::asio::bind_cancellation_slot(cancel->slot(), handler));
  }
  return future;
}

}  // namespace

Worker::Worker(const MakeService& make) : work_(io_.get_executor()), service_(make(io_)) {
  thread_ = std::thread([this] { io_.run(); });
}

Worker::~Worker() {
  io_.stop();
  thread_.join();
}

std::future<Answer> Worker::Begin(Request request) {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> future = promise->get_future();
  boost::asio::co_spawn(io_, AskAndReadAll(*service_, std::move(request), promise),
                        boost::asio::detached);
  return future;
}

std::unique_ptr<Worker::Caller> Worker::Open(Request request) {
  auto caller = std::make_unique<Caller>();
  caller->worker_ = this;
  caller->opened_ =
      Spawn(io_, OpenInto(*service_, std::move(request), caller->response_, caller->status_),
            &caller->cancel_);
  return caller;
}

const ResponseHead& Worker::Caller::head() {
  if (opened_.valid()) {
    opened_.get();
    if (response_) head_ = response_->head;
  }
  return head_;
}

std::optional<std::string> Worker::Caller::Read() {
  head();
  if (!response_) return std::nullopt;
  std::optional<std::string> piece;
  Spawn(worker_->io_, ReadInto(*response_->body, piece, status_)).get();
  return piece;
}

void Worker::Caller::HangUp() {
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> future = done->get_future();
  boost::asio::post(worker_->io_, [this, done] {
    cancel_.emit(boost::asio::cancellation_type::terminal);
    response_.reset();
    done->set_value();
  });
  future.get();
  head();
}

CachingFixture::CachingFixture() {
  config_.cache.directory = dir_ / "cache";
  config_.cache.clock = &clock_;
  config_.prices["gpt-4o"] = {.input_per_million = 2.5, .output_per_million = 10};
  limits_.lookup = std::chrono::minutes(1);  // a busy machine is not a store that hangs
  limits_.store = limits_.lookup;
  OpenCache();
}

CachingFixture::~CachingFixture() {
  store_returns_.Open();
  go_.Open();
  CloseCache();
  upstream_.reset();
  const auto& known = kRefusalReasons;
  for (const auto& [reason, count] : refusals_->Counts()) {
    EXPECT_NE(std::find(std::begin(known), std::end(known), reason), std::end(known))
        << reason << " is not among kRefusalReasons";
  }
}

void CachingFixture::OpenCache() {
  pool_ = std::make_unique<boost::asio::thread_pool>(std::size_t{kPoolThreads});
  store_threads_ =
      std::make_shared<StoreThreads>(*pool_, [] { return StoreThreads::Clock::time_point(); });
  Result<std::unique_ptr<Cache>> cache = Cache::Open(config_.cache);
  ASSERT_OK(cache);
  cache_ = *std::move(cache);
}

void CachingFixture::CloseCache() {
  workers_.clear();
  pool_->join();
  cache_.reset();
}

void CachingFixture::Reopen() {
  CloseCache();
  OpenCache();
}

void CachingFixture::Serve(FakeUpstream::Handler handler) {
  upstream_ = std::make_unique<FakeUpstream>(std::move(handler));
}

Worker& CachingFixture::worker(std::size_t index) {
  while (workers_.size() <= index) workers_.push_back(MakeWorker());
  return *workers_[index];
}

std::unique_ptr<Worker> CachingFixture::MakeWorker() {
  return std::make_unique<Worker>([this](boost::asio::io_context& io) {
    ProviderConfig provider;
    provider.name = "openai";
    provider.base_url = upstream_->base_url();
    provider.keep_response_headers = {"x-kept"};
    auto http = std::make_unique<CurlHttpService>(io, client::UpstreamAddress{provider.base_url},
                                                  provider.timeouts);
    auto core =
        std::make_shared<const CachingCore>(CachingCore{.io = io,
                                                        .pool = *pool_,
                                                        .store = store_threads_,
                                                        .upstream = std::move(http),
                                                        .cache = MakeResponseCache(*cache_),
                                                        .dialect = *FindDialect(dialect_),
                                                        .provider = provider,
                                                        .prices = config_.prices,
                                                        .limits = limits_,
                                                        .negative_ttl = config_.cache.negative_ttl,
                                                        .on_abort = on_abort_,
                                                        .refusals = refusals_,
                                                        .flight_memory = flight_memory_});
    return std::make_unique<CachingService>(std::move(core));
  });
}

void CachingFixture::UseAllDialects() {
  for (const char* name : {"openai", "claude", "weather"}) {
    config_.providers[name].base_url = upstream_->base_url();
    config_.providers[name].retry.max_attempts = 1;
  }
  config_.providers["claude"].dialect = "anthropic";
  config_.providers["weather"].dialect = "http";
}

std::unique_ptr<Worker> CachingFixture::MakeStackWorker(const std::string& provider) {
  return std::make_unique<Worker>([this, &provider](boost::asio::io_context& io) {
    const StackParts parts{.io = io,
                           .pool = *pool_,
                           .cache = cache_.get(),
                           .health = board_,
                           .refusals = refusals_,
                           .flight_memory = flight_memory_};
    Result<std::unique_ptr<HttpService>> stack = MakeStack(parts, config_, provider);
    if (!stack.ok()) throw std::runtime_error(stack.status().ToString());
    return *std::move(stack);
  });
}

void CachingFixture::WaitForJoined(std::uint64_t count) {
  while (cache_->GetStats().coalesced < count) std::this_thread::yield();
  WaitForPool();  // they are counted before they hold their flights
}

void CachingFixture::WaitForPool() {
  const auto all_met = std::make_shared<std::latch>(kPoolThreads + 1);
  for (std::ptrdiff_t i = 0; i < kPoolThreads; ++i) {
    boost::asio::post(*pool_, [all_met] { all_met->arrive_and_wait(); });
  }
  all_met->arrive_and_wait();
}

void CachingFixture::WaitForStores(std::uint64_t count) {
  while (cache_->GetStats().stores < count) std::this_thread::yield();
}

void CachingFixture::WaitForRefusals(std::uint64_t count) const {
  const auto counted = [this] {
    std::uint64_t sum = 0;
    for (const auto& [reason, times] : refusals_->Counts()) sum += times;
    return sum;
  };
  const auto too_late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (counted() < count && std::chrono::steady_clock::now() < too_late) {
    std::this_thread::yield();
  }
  EXPECT_GE(counted(), count);
}

void CachingFixture::ExpectStopEnds(const std::function<Status(std::stop_token)>& ask) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    exchange.WaitForHangUp();
  });
  std::stop_source stop;
  std::thread stopper([&] {
    asked_.Wait();
    stop.request_stop();
  });
  EXPECT_EQ(ask(stop.get_token()).code(), StatusCode::kCancelled);
  stopper.join();
  EXPECT_EQ(ask(stop.get_token()).code(), StatusCode::kCancelled);
}

void CachingFixture::Invalidate(const std::string& tag) {
  Invalidation what;
  what.tags = {tag};
  ASSERT_OK(cache_->Invalidate(what));
}

void CachingFixture::HangStore() {
  for (std::ptrdiff_t i = 0; i < kPoolThreads; ++i) {
    boost::asio::post(*pool_, [this] { store_returns_.Wait(); });
  }
}

Request Charged(Request request, const std::shared_ptr<Charges>& charges) {
  request.on_cost = [charges](std::uint64_t microusd) {
    ++charges->calls;
    charges->microusd += microusd;
  };
  return request;
}

Request ChatRequest(const std::string& prompt) {
  Request request;
  request.target = "/v1/chat/completions";
  request.headers = {{"authorization", "Bearer one"}, {"content-type", "application/json"}};
  request.body =
      json{{"model", "gpt-4o"}, {"messages", {{{"role", "user"}, {"content", prompt}}}}}.dump();
  return request;
}

Request ChatStreamRequest(bool usage, const std::string& prompt) {
  Request request = ChatRequest(prompt);
  json body = json::parse(request.body);
  body["stream"] = true;
  if (usage) body["stream_options"] = {{"include_usage", true}};
  request.body = body.dump();
  return request;
}

std::string ChatJson(const std::string& content) {
  return R"({
  "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": ")" +
         content + R"("}, "logprobs": null, "finish_reason": "stop"}],
  "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
})";
}

std::vector<std::string> ChatEvents(bool usage, const std::string& content) {
  const std::string start =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,)"
      R"("model":"gpt-4o",)";
  const std::string end =
      std::string(usage ? R"(,"usage":null)" : "") + R"(,"obfuscation":"xK2"})" + "\n\n";
  const auto choice = [&](const std::string& delta, const std::string& finish) {
    return start + R"("choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish +
           "}]" + end;
  };
  std::vector<std::string> events;
  events.push_back(choice(R"({"role":"assistant","content":""})", "null"));
  const std::size_t half = content.size() / 2;
  events.push_back(choice(R"({"content":")" + content.substr(0, half) + "\"}", "null"));
  events.push_back(choice(R"({"content":")" + content.substr(half) + "\"}", "null"));
  events.push_back(choice("{}", R"("stop")"));
  if (usage) {
    events.push_back(start +
                     R"("choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,)"
                     R"("total_tokens":12}})" +
                     "\n\n");
  }
  events.push_back("data: [DONE]\n\n");
  return events;
}

std::string Join(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

std::string WithoutPadding(std::string text) {
  const std::string padding = R"(,"obfuscation":"xK2")";
  for (std::size_t at = 0; (at = text.find(padding, at)) != std::string::npos;) {
    text.erase(at, padding.size());
  }
  return text;
}

void AnswerChat(UpstreamExchange& exchange) {
  const json body = json::parse(exchange.body);
  if (!body.value("stream", false)) {
    exchange.Answer(200, "application/json", ChatJson(),
                    "openai-version: 2020-10-01\r\nx-request-id: req_1\r\nx-kept: yes\r\n");
    return;
  }
  const bool usage = body.contains("stream_options");
  exchange.BeginChunks(200, "text/event-stream; charset=utf-8");
  for (const std::string& event : ChatEvents(usage)) exchange.Chunk(event);
  exchange.EndChunks();
}

}  // namespace larder::client
