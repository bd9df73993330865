// Cache-Control and the Larder-... headers of a request: a line each.
#include <algorithm>
#include <cstdint>
#include <string>

#include "fuzz_check.h"
#include "larder/client/directives.h"
#include "larder/client/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace larder::client;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Headers headers;
  constexpr const char* kNames[] = {"cache-control", "larder-ttl", "larder-tags", "larder-sample",
                                    "larder-namespace"};
  for (const char* name : kNames) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) headers.Add(name, std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto directives = ParseDirectives(headers);
  if (!directives.ok()) return 0;
  const auto zero = larder::Duration(0);
  FUZZ_CHECK(!directives->max_age || *directives->max_age >= zero);
  FUZZ_CHECK(!directives->min_fresh || *directives->min_fresh >= zero);
  FUZZ_CHECK(!directives->max_stale || *directives->max_stale >= zero);
  return 0;
}
