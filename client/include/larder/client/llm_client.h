// LlmClient: models behind a cache, for C++ programs. Start here.
//
//   auto llm = LlmClient::Open({.file = "config.json"});
//   LlmRequest request{.model = "gpt-4o", .messages = {Message::Of(Role::kUser, "Hi")}};
//   auto answer = (*llm)->Generate(request, {.credential = key});
//   std::cout << answer->text();
//
// One line builds the whole stack that larderd runs: fallback, cache, retries, transport. The
// decorators by themselves are in asio/decorators.h; bytes instead of types in caching_client.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "larder/cache.h"
#include "larder/client/caching_client.h"
#include "larder/client/config.h"
#include "larder/client/config_document.h"
#include "larder/client/directives.h"
#include "larder/client/health_board.h"
#include "larder/client/llm_types.h"
#include "larder/client/message.h"
#include "larder/client/on_abort.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// Which of a provider's APIs is asked. Responses are those of the dialect "openai".
enum class LlmApi { kChat, kResponses };

struct CallOptions {
  // Its name in the configuration; empty = the only one there is.
  std::string provider = {};
  LlmApi api = LlmApi::kChat;
  // Path and query in the place of the usual ones, such as "/chat/completions" for a base URL with
  // the rest in it. Cached if the path ends as the usual one does.
  std::string path = {};
  // API key of the provider, in the header that its dialect uses.
  std::string credential = {};
  Headers headers = {};        // further ones
  Directives directives = {};  // what is asked of the cache
  std::stop_token stop = {};   // gives the call up: kCancelled
  // The call is over after so long, its stream included: kDeadlineExceeded. Whatever it says, the
  // provider's timeouts hold. A fetch for the cache goes on, as when the call is given up.
  std::optional<Duration> timeout = {};
  CachingClient::Answer* error = nullptr;  // an answer of 400 or more goes here, whole
};

// Thread-safe; calls block the caller's thread, callbacks run on it.
class LlmClient {
 public:
  // Reads the configuration and opens the cache that it names; the client owns it. Its
  // `gateway.on_abort` holds here too.
  // Errors: kInvalidArgument (configuration), and those of Cache::Open.
  static Result<std::unique_ptr<LlmClient>> Open(const ConfigSources& sources);
  // With the providers of `config`. `cache` must outlive the client; null = nothing is cached.
  // `on_abort` as of CachingClient::Create. Errors: kInvalidArgument.
  static Result<std::unique_ptr<LlmClient>> Create(const ClientConfig& config, Cache* cache,
                                                   OnAbort on_abort = OnAbort::kFinish);
  virtual ~LlmClient() = default;

  // Errors of all calls: kInvalidArgument (the request, or the provider calls it wrong: 4xx),
  // kNotFound (only-if-cached was asked, and it is not there), kResourceExhausted (429),
  // kUnavailable (408, 409, 5xx, no answer, an error in a stream), kDeadlineExceeded, kCancelled,
  // kDataLoss (an answer that is none). No message quotes what was asked or answered.
  virtual Result<LlmAnswer> Generate(const LlmRequest& request,
                                     const CallOptions& options = {}) = 0;

  // Calls `on_event` for each piece as it comes, and returns the whole answer. A slow callback
  // slows the provider down where the call goes past the cache, and else lets what comes wait in
  // memory (CachingClient::Stream). If it returns false the call is given up (kCancelled).
  virtual Result<LlmAnswer> GenerateStream(const LlmRequest& request,
                                           const std::function<bool(const LlmEvent&)>& on_event,
                                           const CallOptions& options = {}) = 0;

  // Providers of the dialect "openai" only.
  virtual Result<EmbeddingAnswer> Embed(const EmbeddingRequest& request,
                                        const CallOptions& options = {}) = 0;

  // Where the answers are, to invalidate them by their tags; null if nothing is cached. Of Open():
  // as long as the client lives.
  virtual Cache* cache() = 0;
  // As of CachingClient.
  virtual std::map<std::string, std::uint64_t> RefusalCounts() const = 0;
  virtual std::map<std::string, ProviderStats> Health() const = 0;
};

}  // namespace larder::client
