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

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "larder/cache.h"
#include "larder/client/caching_client.h"
#include "larder/client/config.h"
#include "larder/client/config_document.h"
#include "larder/client/directives.h"
#include "larder/client/llm_types.h"
#include "larder/client/message.h"
#include "larder/result.h"

namespace larder::client {

// Which of a provider's APIs is asked. Responses are those of the dialect "openai".
enum class LlmApi { kChat, kResponses };

struct CallOptions {
  // Its name in the configuration; empty = the only one there is.
  std::string provider = {};
  LlmApi api = LlmApi::kChat;
  // API key of the provider, in the header that its dialect uses.
  std::string credential = {};
  Headers headers = {};                    // further ones
  Directives directives = {};              // what is asked of the cache
  std::stop_token stop = {};               // gives the call up: kCancelled
  CachingClient::Answer* error = nullptr;  // an answer of 400 or more goes here, whole
};

// Thread-safe; calls block the caller's thread, callbacks run on it.
class LlmClient {
 public:
  // Reads the configuration and opens the cache that it names; the client owns it.
  // Errors: kInvalidArgument (configuration), and those of Cache::Open.
  static Result<std::unique_ptr<LlmClient>> Open(const ConfigSources& sources);
  // With the providers of `config`. `cache` must outlive the client; null = nothing is cached.
  // Errors: kInvalidArgument.
  static Result<std::unique_ptr<LlmClient>> Create(const ClientConfig& config, Cache* cache);
  virtual ~LlmClient() = default;

  // Errors of all calls: kInvalidArgument (the request, or the provider calls it wrong: 4xx),
  // kResourceExhausted (429), kUnavailable (5xx, no answer, an error in a stream),
  // kDeadlineExceeded, kCancelled, kDataLoss (an answer that is none). No message quotes what was
  // asked or answered.
  virtual Result<LlmAnswer> Generate(const LlmRequest& request,
                                     const CallOptions& options = {}) = 0;

  // Calls `on_event` for each piece as it comes, and returns the whole answer. While the callback
  // runs nothing further is read, so that a slow reader slows the provider down. If it returns
  // false the call is given up (kCancelled).
  virtual Result<LlmAnswer> GenerateStream(const LlmRequest& request,
                                           const std::function<bool(const LlmEvent&)>& on_event,
                                           const CallOptions& options = {}) = 0;

  // Providers of the dialect "openai" only.
  virtual Result<EmbeddingAnswer> Embed(const EmbeddingRequest& request,
                                        const CallOptions& options = {}) = 0;
};

}  // namespace larder::client
