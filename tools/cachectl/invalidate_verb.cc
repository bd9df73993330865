// invalidate: every entry that has a tag, or every entry, becomes a miss.
#include <nlohmann/json.hpp>

#include "cache_access.h"
#include "console.h"
#include "larder/options.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

Status CheckTags(const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > kMaxTagBytes) {
      return Invalid("a tag of " + std::to_string(tag.size()) + " bytes; allowed: 1 to " +
                     std::to_string(kMaxTagBytes));
    }
  }
  return Status::Ok();
}

std::string Covered(const std::vector<std::string>& tags) {
  if (tags.empty()) return "every entry";
  std::string text = "every entry with tag ";
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (i > 0) text += i + 1 == tags.size() ? " or " : ", ";
    text += '"' + tags[i] + '"';
  }
  return text;
}

// Ok if --all may go ahead.
Status Confirm(const Invocation& invocation, Console& console) {
  if (!invocation.Has("--all") || invocation.Has("--yes")) return Status::Ok();
  if (!console.CanAsk()) return Invalid("--all asks first, and there is no terminal; give --yes");
  if (console.Confirm("Invalidate every entry?")) return Status::Ok();
  return {StatusCode::kCancelled, "nothing was invalidated"};
}

}  // namespace

Result<tools::ExitStatus> RunInvalidate(const Invocation& invocation, Console& console) {
  const std::vector<std::string> tags = invocation.Values("--tag");
  if (tags.empty() == !invocation.Has("--all")) {
    return Invalid("what to invalidate: either --tag T, or --all");
  }
  if (Status status = CheckTags(tags); !status.ok()) return status;
  const bool dry_run = invocation.Has("--dry-run");
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  ordered_json what;
  if (tags.empty()) {
    what["all"] = true;
  } else {
    what["tags"] = tags;
  }
  if (dry_run) {
    what["number"] = nullptr;
    what["dry_run"] = true;
    const std::string text = "would invalidate " + Covered(tags);
    console.Line(console.json() ? what.dump(-1, ' ', false, ordered_json::error_handler_t::replace)
                                : text);
    return tools::kExitDone;
  }
  if (Status status = Confirm(invocation, console); !status.ok()) return status;
  const Result<std::string> answer =
      (*cache)->Call({.method = "POST",
                      .path = "/v1/invalidate",
                      .body = what.dump(-1, ' ', false, ordered_json::error_handler_t::replace)});
  if (!answer.ok()) return answer.status();
  if (console.json()) {
    console.Line(*answer);
    return tools::kExitDone;
  }
  const auto number = ordered_json::parse(*answer)["number"].get<std::uint64_t>();
  console.Line("invalidated " + Covered(tags) + " (number " + std::to_string(number) + ")");
  return tools::kExitDone;
}

}  // namespace larder::cachectl
