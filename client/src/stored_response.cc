#include "stored_response.h"

#include <utility>
#include <vector>

#include "larder/options.h"
#include "packing.h"

namespace larder::client {
namespace {

constexpr std::uint64_t kFormatVersion = 2;
constexpr std::uint64_t kFirstVersion = 1;

constexpr std::uint64_t kHasUsage = 1;
constexpr std::uint64_t kUsageAsked = 2;
constexpr std::uint64_t kHasUsageEvent = 4;
constexpr std::uint64_t kPriced = 8;
constexpr std::uint64_t kAllFlags = 15;

std::uint64_t FlagsOf(const StoredResponse& response) {
  return (response.usage ? kHasUsage : 0) | (response.usage_asked ? kUsageAsked : 0) |
         (response.usage_event ? kHasUsageEvent : 0) | (response.priced ? kPriced : 0);
}

}  // namespace

std::string EncodeStoredResponse(const StoredResponse& response) {
  std::string out;
  PackNumber(kFormatVersion, out);
  PackString(response.endpoint == nullptr ? "" : response.endpoint->name(), out);
  PackNumber(static_cast<std::uint64_t>(response.form), out);
  PackNumber(FlagsOf(response), out);
  PackNumber(static_cast<std::uint64_t>(response.status), out);
  PackString(std::string_view(response.model).substr(0, larder::kMaxMetadataBytes / 4), out);
  if (response.usage) {
    PackNumber(response.usage->input_tokens, out);
    PackNumber(response.usage->cached_input_tokens, out);
    PackNumber(response.usage->output_tokens, out);
    PackNumber(response.usage->cache_write_tokens, out);
  }
  if (response.usage_event) {
    PackNumber(response.usage_event->from, out);
    PackNumber(response.usage_event->count, out);
  }
  for (const Header& field : response.headers) {
    std::string packed;
    PackString(field.name, packed);
    PackString(field.value, packed);
    if (out.size() + packed.size() > larder::kMaxMetadataBytes) break;
    out += packed;
  }
  return out;
}

std::optional<StoredResponse> DecodeStoredResponse(std::string_view bytes) {
  Unpacker in(bytes);
  const std::uint64_t version = in.Number();
  if (version != kFormatVersion && version != kFirstVersion) return std::nullopt;
  const std::string endpoint(version == kFirstVersion ? "openai.chat" : in.String());
  StoredResponse response;
  response.endpoint = FindEndpoint(endpoint);
  if (response.endpoint == nullptr && !endpoint.empty()) return std::nullopt;
  const std::uint64_t form = in.Number();
  const std::uint64_t flags = in.Number();
  const std::uint64_t status = in.Number();
  if (form > 1 || flags > kAllFlags || status < 100 || status > 999) return std::nullopt;
  response.form = static_cast<Form>(form);
  response.status = static_cast<int>(status);
  response.model = in.String();
  response.usage_asked = (flags & kUsageAsked) != 0;
  response.priced = (flags & kPriced) != 0;
  if ((flags & kHasUsage) != 0) {
    Usage& usage = response.usage.emplace();
    usage.input_tokens = in.Number();
    usage.cached_input_tokens = in.Number();
    usage.output_tokens = in.Number();
    if (version != kFirstVersion) usage.cache_write_tokens = in.Number();
  }
  if ((flags & kHasUsageEvent) != 0) {
    ByteRange& range = response.usage_event.emplace();
    range.from = in.Number();
    range.count = in.Number();
  }
  while (!in.failed() && !in.finished()) {
    std::string name(in.String());
    std::string value(in.String());
    response.headers.Add(std::move(name), std::move(value));
  }
  if (in.failed()) return std::nullopt;
  return response;
}

}  // namespace larder::client
