// CachingClient: the caching client for programs that do not run on Boost.Asio.
//
//   auto cache = Cache::Open(config.cache);
//   auto client = CachingClient::Create(config, cache->get());
//   Request request;
//   request.target = "/v1/chat/completions";
//   request.headers = {{"authorization", "Bearer " + key}, {"content-type", "application/json"}};
//   request.body = R"({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})";
//   auto answer = (*client)->Send("openai", request);
//
// It is the same stack that larderd runs (asio/stack.h), with one thread for the network and a
// few for the store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "larder/cache.h"
#include "larder/client/config.h"
#include "larder/client/health_board.h"
#include "larder/client/message.h"
#include "larder/client/on_abort.h"
#include "larder/result.h"
#include "larder/shared_bytes.h"

namespace larder::client {

// Thread-safe.
class CachingClient {
 public:
  struct Answer {
    ResponseHead head;
    std::string body;
  };

  // Called on the client's thread, one at a time; they must not block and must not throw.
  struct Callbacks {
    std::function<void(const ResponseHead&)> on_head;  // once, unless the exchange fails before
    std::function<void(std::string_view)> on_piece;    // as the body arrives
    std::function<void(const Status&)> on_end;         // once, last; ok: the body is complete
  };

  // An answer that is read piece by piece. What goes past the cache is read from the upstream as it
  // is asked for, so that a slow reader slows the upstream down; what is cached is fetched for the
  // store and for others too, at the pace of the network, and waits in memory (128 MiB at most)
  // until it is asked for. Destroying it gives the exchange up.
  class Stream {
   public:
    virtual ~Stream() = default;
    // Blocks; an empty piece is the proper end. One thread at a time, not in a callback.
    // Errors: as HttpService; kCancelled.
    virtual Result<SharedBytes> Next() = 0;
    virtual const ResponseHead& head() const = 0;
    // Ends a Next() under way with kCancelled. Any thread.
    virtual void Cancel() = 0;
  };

  // With the providers of `config`. `cache` is not owned and must outlive the client; null =
  // nothing is cached. `on_abort`: what becomes of a fetch for the cache when all who wait for it
  // have given up; what goes past the cache is given up in any case.
  // Errors: kInvalidArgument (a provider's base URL or dialect).
  static Result<std::unique_ptr<CachingClient>> Create(const ClientConfig& config, Cache* cache,
                                                       OnAbort on_abort = OnAbort::kFinish);

  // Cancels what is under way: on_end comes with kCancelled before this returns. Answers that are
  // complete are still stored. Not to be called from a callback.
  virtual ~CachingClient() = default;

  // Sends and waits for the whole answer. `request.directives` say what is asked of the cache.
  // An answer of 400 or more is an answer, not an error. Not to be called from a callback.
  // Errors: as HttpService::Send in asio/http_service.h; kInvalidArgument (no such provider).
  virtual Result<Answer> Send(std::string_view provider, Request request) = 0;

  // What was kept from the cache since the client was made, by reason (refusals.h).
  virtual std::map<std::string, std::uint64_t> RefusalCounts() const = 0;
  // How the providers that were asked fare, by name, since the client was made.
  virtual std::map<std::string, ProviderStats> Health() const = 0;

  // Sends and waits for the head. `stop` gives it up while it waits. The stream must not outlive
  // the client. Not to be called from a callback. Errors: as Send; kCancelled.
  virtual Result<std::unique_ptr<Stream>> Open(std::string_view provider, Request request,
                                               const std::stop_token& stop = {}) = 0;

  // Sends and returns at once. The result, when called, gives the exchange up: on_end then comes
  // with kCancelled, unless it has come. It may be called on any thread, also after the client is
  // gone, and may be dropped.
  virtual std::function<void()> Start(std::string_view provider, Request request,
                                      Callbacks callbacks) = 0;
};

}  // namespace larder::client
