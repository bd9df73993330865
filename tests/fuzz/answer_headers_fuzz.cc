// What the head of an answer says of waiting and of keeping: a line each.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "fuzz_check.h"
#include "http_dialect.h"
#include "larder/client/message.h"
#include "retry_after.h"
#include "upstream_freshness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace larder::client;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Headers headers;
  for (const char* name :
       {"retry-after", "retry-after-ms", "cache-control", "expires", "date", "age", "vary"}) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) headers.Add(name, std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const larder::TimePoint now{std::chrono::seconds(1'800'000'000)};
  const larder::Duration zero(0);
  const auto wait = RetryAfter(headers, now);
  FUZZ_CHECK(!wait || (*wait >= zero && *wait <= std::chrono::hours(24 * 365)));
  for (const bool is_private : {false, true}) {
    const UpstreamFreshness freshness =
        ReadFreshness(headers, {.is_private = is_private, .now = now, .took = zero});
    FUZZ_CHECK(!freshness.ttl || *freshness.ttl >= zero);
    FUZZ_CHECK(!freshness.stale_if_error || *freshness.stale_if_error >= zero);
    FUZZ_CHECK(!freshness.stale_while_revalidate || *freshness.stale_while_revalidate >= zero);
  }
  static_cast<void>(ObjectionOfHttp({}, headers, /*keyed_by_caller=*/false));
  return 0;
}
