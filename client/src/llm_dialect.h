// LlmDialect: how a provider writes what llm_types.h says.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "event_stream.h"
#include "larder/client/llm_types.h"
#include "larder/client/message.h"
#include "larder/result.h"

namespace larder::client {

using LlmJson = nlohmann::ordered_json;

// What is to be remembered of a stream from one event to the next.
struct LlmStreamState {
  std::set<std::size_t> calls;  // blocks that are calls of the caller's tools, not the provider's
};

class LlmFields;

// How an answer is known: it has an array of this name, and is called so in errors.
struct LlmAnswerShape {
  const char* array;
  const char* noun;
};

// Lives for ever; thread-safe.
class LlmDialect {
 public:
  virtual ~LlmDialect() = default;

  virtual std::string_view path() const = 0;
  // Of Endpoint: "openai.chat".
  virtual std::string_view endpoint() const = 0;
  virtual void AddCredential(const std::string& credential, Headers& headers) const = 0;

  // The body of a request. Errors: kInvalidArgument (an `extra`, a schema or arguments that are
  // not JSON, a part that this provider has no word for).
  Result<std::string> WriteRequest(const LlmRequest& request, bool stream) const;
  // Whatever it is, WriteRequest gives it back, but for the form (stream) that it asks for.
  // Errors: kInvalidArgument (not a JSON object).
  Result<LlmRequest> ReadRequest(std::string_view json) const;
  // Errors: kDataLoss.
  Result<LlmAnswer> ReadAnswer(std::string_view json) const;
  // Calls `on_event` for what an event adds. False: the callback said so. Events that are not JSON
  // say nothing here: the whole answer is judged at its end.
  virtual bool ReadEvent(const Event& event, LlmStreamState& state,
                         const std::function<bool(const LlmEvent&)>& on_event) const = 0;

 protected:
  // What all do alike is done around these: the model, the answer's id, and whatever has no place.
  // Errors of AddRequest: kInvalidArgument.
  virtual Status AddRequest(const LlmRequest& request, LlmJson& body) const = 0;
  virtual void AskForStream(LlmJson& body) const = 0;
  // `body`, or `json`, is that of which `fields` are to be taken.
  virtual void TakeRequest(const LlmJson& body, LlmFields& fields, LlmRequest& request) const = 0;
  virtual LlmAnswerShape answer_shape() const = 0;
  virtual void TakeAnswer(const LlmJson& json, LlmFields& fields, LlmAnswer& answer) const = 0;

 private:
  Result<LlmJson> WriteBody(const LlmRequest& request) const;
};

const LlmDialect& OpenAiLlm();
const LlmDialect& OpenAiResponsesLlm();
const LlmDialect& AnthropicLlm();
// By the name in the configuration, or "openai-responses"; or nullptr.
const LlmDialect* FindLlmDialect(std::string_view name);

}  // namespace larder::client
