#include "usage_request.h"

#include <vector>

#include "json_slices.h"

namespace larder::client {
namespace {

constexpr std::string_view kIncludeUsage = "include_usage";

// `options`: an object or null.
std::string Asking(std::string_view options) {
  ObjectWriter asking;
  for (const MemberSlice& member : MembersOf(options)) {
    if (member.name != kIncludeUsage) asking.Add(member.name, member.value);
  }
  asking.Add(kIncludeUsage, "true");
  return asking.Take();
}

}  // namespace

std::string WithUsageAsked(std::string_view body) {
  const std::string_view options = FindSlice(MembersOf(body), "stream_options");
  std::string asking;
  if (options.empty()) {
    const std::size_t brace = body.find('{') + 1;  // others follow: `stream` does
    asking = body.substr(0, brace);
    asking += "\"stream_options\":" + Asking("null") + ",";
    asking += body.substr(brace);
    return asking;
  }
  const auto at = static_cast<std::size_t>(options.data() - body.data());
  asking = body.substr(0, at);
  asking += Asking(options);
  asking += body.substr(at + options.size());
  return asking;
}

}  // namespace larder::client
