#include "larder/client/stored_answer.h"

#include <vector>

#include "form_conversion.h"
#include "stored_response.h"

namespace larder::client {

std::optional<StoredAnswer> ReadStoredAnswer(const Entry& entry) {
  std::optional<StoredResponse> stored = DecodeStoredResponse(entry.metadata());
  if (!stored) return std::nullopt;
  StoredAnswer answer;
  answer.status = stored->status;
  answer.is_event_stream = stored->form == Form::kEvents;
  answer.model = std::move(stored->model);
  answer.headers = std::move(stored->headers);
  if (stored->usage) {
    answer.input_tokens = stored->usage->input_tokens;
    answer.output_tokens = stored->usage->output_tokens;
  }
  return answer;
}

Result<std::string> ReadAnswerBody(const Entry& entry, AnswerForm form) {
  std::optional<StoredResponse> stored = DecodeStoredResponse(entry.metadata());
  if (!stored) {
    return Status(StatusCode::kInvalidArgument, "the entry is not an answer of a provider");
  }
  CachedResponse response;
  response.info = *std::move(stored);
  response.body = entry.shared_body();
  // All that can be known of the answer: a stream with its usage, if it was received with it.
  const bool stream = form == AnswerForm::kEventStream;
  WantedForm wanted{.stream = stream, .usage = stream};
  if (!CanGive(response.info, wanted)) wanted.usage = false;
  const Result<std::vector<SharedBytes>> pieces = GiveBody(response, wanted);
  if (!pieces.ok()) return pieces.status();
  std::string body;
  for (const SharedBytes& piece : *pieces) body += piece.view();
  return body;
}

}  // namespace larder::client
