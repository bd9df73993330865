#include "larder/client/llm_client.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "dialect.h"
#include "event_stream.h"
#include "llm_dialect.h"
#include "llm_embeddings.h"
#include "llm_fields.h"
#include "retry_rule.h"

namespace larder::client {
namespace {

constexpr int kFirstError = 400;
// A longer timeout is none; more would overflow the clock.
constexpr Duration kMostTimeout = std::chrono::hours(24 * 365);

// What the provider calls the error: a type and a code, which are words of its API; never its
// message, which may quote what was asked.
std::string ErrorWords(const LlmJson& error) {
  std::string words;
  for (const char* name : {"type", "code"}) {
    const std::string_view word = LlmView(error, name);
    if (!word.empty()) words += (words.empty() ? ": " : ", ") + std::string(word);
  }
  return words;
}

bool IsEventStream(const ResponseHead& head) {
  const std::string* type = head.headers.Find("content-type");
  return type != nullptr && type->starts_with("text/event-stream");
}

// The first that tells of an error; null if none does.
LlmJson ErrorAmong(const std::vector<Event>& events) {
  for (const Event& event : events) {
    LlmJson json = LlmParse(event.data);
    LlmJson error = LlmMember(json, "error");  // chat's, Anthropic's
    if (error.is_null()) error = LlmMember(LlmMember(json, "response"), "error");
    if (error.is_null() && LlmView(json, "type") == "error") error = std::move(json);
    if (!error.is_null()) return error;
  }
  return nullptr;
}

Status ErrorOf(const CachingClient::Answer& answer) {
  constexpr int kTooManyRequests = 429;
  if (answer.head.cache.detail == "only-if-cached") {
    return {StatusCode::kNotFound, "not cached, and only-if-cached was asked"};
  }
  const int status = answer.head.status;
  StatusCode code = IsTrouble(status) ? StatusCode::kUnavailable : StatusCode::kInvalidArgument;
  if (status == kTooManyRequests) code = StatusCode::kResourceExhausted;
  // Some say what is wrong in the form that was asked for.
  LlmJson error;
  if (IsEventStream(answer.head)) {
    error = ErrorAmong(ParseEventStream(answer.body));
  } else {
    error = LlmMember(LlmParse(answer.body), "error");
  }
  return {code, "the provider answered " + std::to_string(status) + ErrorWords(error)};
}

// Of the events of a stream that is no whole answer.
Status StreamErrorOf(const std::vector<Event>& events, const Status& otherwise) {
  const LlmJson error = ErrorAmong(events);
  if (error.is_null()) return otherwise;
  return {StatusCode::kUnavailable,
          "the provider ended its stream with an error" + ErrorWords(error)};
}

// Some streams can be put together though they were cut: fewer choices than `body` asks for.
Status CheckEnd(const Endpoint& endpoint, std::string_view body, const std::vector<Event>& events) {
  const Verdict verdict = endpoint.JudgeStream(endpoint.Plan(body), StoreRules{}, events);
  if (verdict.reason != "no_end") return Status::Ok();
  return {StatusCode::kDataLoss, "the provider's stream ended before all that was asked for"};
}

class StackLlmClient final : public LlmClient {
 public:
  StackLlmClient(std::unique_ptr<Cache> owned, Cache* cache, std::unique_ptr<CachingClient> client,
                 std::map<std::string, std::string> dialects)
      : owned_(std::move(owned)),
        cache_(cache),
        client_(std::move(client)),
        dialects_(std::move(dialects)) {}

  Result<LlmAnswer> Generate(const LlmRequest& request, const CallOptions& options) override {
    const Result<Target> target = FindTarget(options);
    if (!target.ok()) return target.status();
    Result<std::string> body = target->dialect->WriteRequest(request, /*stream=*/false);
    if (!body.ok()) return body.status();
    Result<CachingClient::Answer> answer =
        Ask(*target, target->dialect->path(), *std::move(body), options);
    if (!answer.ok()) return answer.status();
    return ReadAnswer(*target, answer->body, answer->head);
  }

  Result<LlmAnswer> GenerateStream(const LlmRequest& request,
                                   const std::function<bool(const LlmEvent&)>& on_event,
                                   const CallOptions& options) override {
    const Result<Target> target = FindTarget(options);
    if (!target.ok()) return target.status();
    const Result<std::string> body = target->dialect->WriteRequest(request, /*stream=*/true);
    if (!body.ok()) return body.status();
    auto stream =
        client_->Open(target->provider,
                      MakeRequest(*target, target->dialect->path(), *body, options), options.stop);
    if (!stream.ok()) return stream.status();
    const ResponseHead& head = (*stream)->head();
    if (!IsEventStream(head) || head.status >= kFirstError) {
      Result<CachingClient::Answer> answer = ReadWhole(**stream, options);
      if (!answer.ok()) return answer.status();
      return ReadAnswer(*target, answer->body, answer->head);
    }
    const LlmDialect& dialect = *target->dialect;
    const Result<std::vector<Event>> events = ReadEvents(dialect, **stream, on_event, options);
    if (!events.ok()) return events.status();
    const Endpoint& endpoint = *FindEndpoint(dialect.endpoint());
    const Result<std::string> whole = endpoint.Assemble(*events);
    if (!whole.ok()) return StreamErrorOf(*events, whole.status());
    if (Status end = CheckEnd(endpoint, *body, *events); !end.ok()) return end;
    return ReadAnswer(*target, *whole, head);
  }

  Result<EmbeddingAnswer> Embed(const EmbeddingRequest& request,
                                const CallOptions& options) override {
    const Result<Target> target = FindTarget(options);
    if (!target.ok()) return target.status();
    if (!target->has_embeddings) {
      return Status(StatusCode::kInvalidArgument,
                    "provider `" + target->provider + "` has no embeddings");
    }
    Result<std::string> body = WriteEmbeddingRequest(request);
    if (!body.ok()) return body.status();
    Result<CachingClient::Answer> answer =
        Ask(*target, "/v1/embeddings", *std::move(body), options);
    if (!answer.ok()) return answer.status();
    const std::size_t count = std::max(request.inputs.size(), request.token_inputs.size());
    Result<EmbeddingAnswer> read = ReadEmbeddingAnswer(answer->body, count);
    if (read.ok()) read->cache = answer->head.cache;
    return read;
  }

  Cache* cache() override { return cache_; }
  std::map<std::string, std::uint64_t> RefusalCounts() const override {
    return client_->RefusalCounts();
  }
  std::map<std::string, ProviderStats> Health() const override { return client_->Health(); }

 private:
  struct Target {
    std::string provider;
    const LlmDialect* dialect = nullptr;
    bool has_embeddings = false;
  };

  Result<Target> FindTarget(const CallOptions& options) const {
    if (options.provider.empty() && dialects_.size() != 1) {
      return Status(StatusCode::kInvalidArgument,
                    "name the provider: there are " + std::to_string(dialects_.size()));
    }
    const auto found =
        options.provider.empty() ? dialects_.begin() : dialects_.find(options.provider);
    if (found == dialects_.end()) {
      return Status(StatusCode::kInvalidArgument, "no provider `" + options.provider + "`");
    }
    const bool responses = options.api == LlmApi::kResponses;
    const LlmDialect* dialect = FindLlmDialect(found->second + (responses ? "-responses" : ""));
    if (dialect != nullptr) return Target{found->first, dialect, found->second == "openai"};
    return Status(StatusCode::kInvalidArgument,
                  "provider `" + found->first + "` speaks `" + found->second +
                      (responses ? "`, which has no Responses" : "`, which is no LLM's dialect"));
  }

  static Request MakeRequest(const Target& target, std::string_view usual_path, std::string body,
                             const CallOptions& options) {
    Request request;
    request.target = options.path.empty() ? usual_path : options.path;
    request.headers = options.headers;
    request.headers.Set("content-type", "application/json");
    if (!options.credential.empty()) {
      target.dialect->AddCredential(options.credential, request.headers);
    }
    if (target.dialect == &AnthropicLlm() && !request.headers.Has("anthropic-version")) {
      request.headers.Set("anthropic-version", "2023-06-01");
    }
    request.body = std::move(body);
    request.directives = options.directives;
    if (options.timeout) {
      request.deadline = std::chrono::steady_clock::now() +
                         std::clamp(*options.timeout, Duration(0), kMostTimeout);
    }
    return request;
  }

  Result<CachingClient::Answer> Ask(const Target& target, std::string_view usual_path,
                                    std::string body, const CallOptions& options) {
    auto stream = client_->Open(
        target.provider, MakeRequest(target, usual_path, std::move(body), options), options.stop);
    if (!stream.ok()) return stream.status();
    return ReadWhole(**stream, options);
  }

  // Errors: also those that the answer is.
  static Result<CachingClient::Answer> ReadWhole(CachingClient::Stream& stream,
                                                 const CallOptions& options) {
    const std::stop_callback stopping(options.stop, [&] { stream.Cancel(); });
    CachingClient::Answer answer;
    answer.head = stream.head();
    while (true) {
      const Result<SharedBytes> piece = stream.Next();
      if (!piece.ok()) return piece.status();
      if (piece->empty()) break;
      answer.body += piece->view();
    }
    if (answer.head.status < kFirstError) return answer;
    const Status error = ErrorOf(answer);
    if (options.error != nullptr) *options.error = std::move(answer);
    return error;
  }

  static Result<LlmAnswer> ReadAnswer(const Target& target, std::string_view body,
                                      const ResponseHead& head) {
    Result<LlmAnswer> answer = target.dialect->ReadAnswer(body);
    if (answer.ok()) answer->cache = head.cache;
    return answer;
  }

  // To their end, telling each.
  static Result<std::vector<Event>> ReadEvents(const LlmDialect& dialect,
                                               CachingClient::Stream& stream,
                                               const std::function<bool(const LlmEvent&)>& on_event,
                                               const CallOptions& options) {
    const std::stop_callback stopping(options.stop, [&] { stream.Cancel(); });
    EventStreamParser parser;
    std::vector<Event> events;
    std::size_t told = 0;
    LlmStreamState state;
    const auto tell = [&] {
      for (; told < events.size(); ++told) {
        if (!dialect.ReadEvent(events[told], state, on_event)) return false;
      }
      return true;
    };
    while (true) {
      const Result<SharedBytes> piece = stream.Next();
      if (!piece.ok()) return piece.status();
      if (piece->empty()) parser.Finish(events);
      parser.Feed(piece->view(), events);
      if (!tell()) return Status(StatusCode::kCancelled, "the call was given up");
      if (piece->empty()) return events;
    }
  }

  // Destroyed from the last to the first.
  const std::unique_ptr<Cache> owned_;  // null if it is another's
  Cache* const cache_;                  // null if there is none
  const std::unique_ptr<CachingClient> client_;
  const std::map<std::string, std::string> dialects_;  // by provider
};

Result<std::unique_ptr<LlmClient>> Make(const ClientConfig& config, std::unique_ptr<Cache> owned,
                                        Cache* cache, OnAbort on_abort) {
  Result<std::unique_ptr<CachingClient>> client = CachingClient::Create(config, cache, on_abort);
  if (!client.ok()) return client.status();
  std::map<std::string, std::string> dialects;
  for (const auto& [name, provider] : config.providers) dialects[name] = provider.dialect;
  return std::unique_ptr<LlmClient>(std::make_unique<StackLlmClient>(
      std::move(owned), cache, *std::move(client), std::move(dialects)));
}

}  // namespace

Result<std::unique_ptr<LlmClient>> LlmClient::Open(const ConfigSources& sources) {
  const Result<ConfigDocument> document = ConfigDocument::Load(sources);
  if (!document.ok()) return document.status();
  const Result<ClientConfig> config = ReadClientConfig(*document);
  if (!config.ok()) return config.status();
  Result<std::unique_ptr<Cache>> cache = Cache::Open(config->cache);
  if (!cache.ok()) return cache.status().WithContext("cache.directory");
  Cache* const raw = cache->get();
  const bool cancel = document->Text("/gateway/on_abort") == "cancel";
  return Make(*config, *std::move(cache), raw, cancel ? OnAbort::kCancel : OnAbort::kFinish);
}

Result<std::unique_ptr<LlmClient>> LlmClient::Create(const ClientConfig& config, Cache* cache,
                                                     OnAbort on_abort) {
  return Make(config, nullptr, cache, on_abort);
}

}  // namespace larder::client
