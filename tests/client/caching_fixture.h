// CachingFixture: the caching stack on the real engine, before a scripted upstream.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "caching_core.h"
#include "fake_clock.h"
#include "fake_upstream.h"
#include "gate.h"
#include "larder/cache.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/config.h"
#include "larder/client/health_board.h"
#include "larder/client/on_abort.h"
#include "larder/client/refusals.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {

using testing::FakeUpstream;
using testing::Gate;
using testing::UpstreamExchange;

// What a caller got.
struct Answer {
  Status status;  // of Send, or of what cut the body
  int code = 0;
  Headers headers;
  std::string cache;  // Cache-Status
  std::string saved;  // Larder-Saved
  CacheOutcome outcome;
  std::string body;
  bool cut = false;
};

// An io_context with its thread and a stack of its own, as a gateway has several.
class Worker {
 public:
  using MakeService = std::function<std::unique_ptr<HttpService>(boost::asio::io_context&)>;
  explicit Worker(const MakeService& make);
  ~Worker();

  std::future<Answer> Begin(Request request);
  Answer Ask(Request request) { return Begin(std::move(request)).get(); }

  // A caller that reads piece by piece, and can hang up.
  class Caller {
   public:
    // Blocks for the head; then for each piece. Null: the end, or an error (`status`).
    const ResponseHead& head();
    std::optional<std::string> Read();
    const Status& status() const { return status_; }
    // Cancels what it waits for and drops the response.
    void HangUp();

   private:
    friend class Worker;
    Worker* worker_ = nullptr;
    boost::asio::cancellation_signal cancel_;
    std::future<void> opened_;
    std::optional<Response> response_;
    ResponseHead head_;
    Status status_;
  };
  std::unique_ptr<Caller> Open(Request request);

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::unique_ptr<HttpService> service_;
  std::thread thread_;
};

class CachingFixture : public ::testing::Test {
 protected:
  CachingFixture();
  ~CachingFixture() override;

  // Starts the upstream; the first thing a test does.
  void Serve(FakeUpstream::Handler handler);
  Worker& worker(std::size_t index = 0);
  std::unique_ptr<Worker> MakeWorker();  // one of its own; goes before the fixture
  // Makes the upstream all that of three providers, which get one attempt a call: `openai`,
  // `claude` (Anthropic's dialect) and `weather` (plain HTTP).
  void UseAllDialects();
  // The whole stack of a provider of `config_`; goes before the fixture.
  std::unique_ptr<Worker> MakeStackWorker(const std::string& provider = "openai");
  Answer Ask(const Request& request) { return worker().Ask(request); }
  std::future<Answer> Begin(const Request& request) { return worker().Begin(request); }
  // Closes the cache and opens it again.
  void Reopen();
  // Blocks until the pool has done what it was given so far.
  void WaitForPool();
  // Blocks until that many callers have joined flights since the cache was made.
  void WaitForJoined(std::uint64_t count);
  // Blocks until the store has that many puts behind it.
  void WaitForStores(std::uint64_t count);
  // Blocks until that many refusals were counted, whatever for.
  void WaitForRefusals(std::uint64_t count) const;
  void Invalidate(const std::string& tag);
  // Serves an upstream that never answers. `ask` is cancelled by a stop that is requested once the
  // upstream is asked, and by one that was requested before.
  void ExpectStopEnds(const std::function<Status(std::stop_token)>& ask);
  // The threads that speak to the store hang until `store_returns_` is open.
  void HangStore();

  // What handlers of the upstream use must outlive it: a test's own variables do not.
  Gate asked_;
  Gate go_;

  testing::TempDir dir_;
  testing::FakeClock clock_;
  ClientConfig config_;
  std::string dialect_ = "openai";       // of `worker`
  OnAbort on_abort_ = OnAbort::kFinish;  // likewise
  CachingLimits limits_;
  std::unique_ptr<FakeUpstream> upstream_;
  std::unique_ptr<Cache> cache_;
  std::shared_ptr<HealthBoard> board_ = std::make_shared<HealthBoard>();
  std::shared_ptr<Refusals> refusals_ = std::make_shared<Refusals>();   // of all workers
  std::shared_ptr<FlightMemory> flight_memory_ = FlightMemory::Make();  // likewise
  std::shared_ptr<StoreThreads> store_threads_;                         // of `worker`
  Gate store_returns_;

 private:
  void OpenCache();
  void CloseCache();

  std::unique_ptr<boost::asio::thread_pool> pool_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// What calls cost, as it is told.
struct Charges {
  std::atomic<int> calls = 0;
  std::atomic<std::uint64_t> microusd = 0;
};
// `request`, whose cost `charges` is told.
Request Charged(Request request, const std::shared_ptr<Charges>& charges);

// Requests and answers of the chat completions API.
Request ChatRequest(const std::string& prompt = "hi");
Request ChatStreamRequest(bool usage, const std::string& prompt = "hi");
// A JSON answer with 10 input and 2 output tokens.
std::string ChatJson(const std::string& content = "Hello there");
// Its chunks as a stream, each with `obfuscation`.
std::vector<std::string> ChatEvents(bool usage, const std::string& content = "Hello there");
std::string Join(const std::vector<std::string>& pieces);
// Text without `obfuscation`, as it is stored.
std::string WithoutPadding(std::string text);

// An upstream that answers every request at once in the form asked for.
void AnswerChat(UpstreamExchange& exchange);

}  // namespace larder::client
