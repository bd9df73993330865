#include "form_conversion.h"

#include <string>
#include <utility>

#include "event_stream.h"

namespace larder::client {
namespace {

Status NoOtherForm() { return {StatusCode::kDataLoss, "the answer has one form only"}; }

std::vector<SharedBytes> SliceEvents(const CachedResponse& response, bool usage) {
  const std::optional<ByteRange>& event = response.info.usage_event;
  if (usage || !event) return {response.body};
  return {response.body.Slice(0, event->from), response.body.Slice(event->from + event->count)};
}

Result<std::vector<SharedBytes>> SplitJson(const CachedResponse& response, bool usage) {
  const Endpoint& endpoint = *response.info.endpoint;
  const Result<std::vector<Event>> events = endpoint.Split(response.body.view());
  if (!events.ok()) return events.status();
  const std::optional<std::size_t> usage_event = endpoint.UsageEvent(*events);
  std::string text;
  for (std::size_t i = 0; i < events->size(); ++i) {
    if (usage || usage_event != i) WriteEvent((*events)[i], text);
  }
  return std::vector<SharedBytes>{SharedBytes(std::move(text))};
}

}  // namespace

bool CanGive(const StoredResponse& info, const WantedForm& wanted) {
  // Some providers report the usage in the last choice's chunk and not in one of its own.
  if (info.form == Form::kJson || info.usage_event || info.usage) return true;
  if (!wanted.stream) return false;
  return !wanted.usage || info.usage_asked;
}

bool IsStoredAs(const StoredResponse& info, const WantedForm& wanted) {
  constexpr int kFirstError = 400;  // errors have one form
  return info.status >= kFirstError || (info.form == Form::kEvents) == wanted.stream;
}

Result<std::vector<SharedBytes>> GiveBody(const CachedResponse& response,
                                          const WantedForm& wanted) {
  if (response.info.form == Form::kJson) {
    if (IsStoredAs(response.info, wanted)) return std::vector<SharedBytes>{response.body};
    if (response.info.endpoint == nullptr) return NoOtherForm();
    return SplitJson(response, wanted.usage);
  }
  if (wanted.stream) return SliceEvents(response, wanted.usage);
  if (response.info.endpoint == nullptr) return NoOtherForm();
  Result<std::string> json =
      response.info.endpoint->Assemble(ParseEventStream(response.body.view()));
  if (!json.ok()) return json.status();
  return std::vector<SharedBytes>{SharedBytes(*std::move(json))};
}

}  // namespace larder::client
