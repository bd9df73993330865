// invalidate: every entry that has a tag, or whose key begins so, or every entry, becomes a miss,
// or stale.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base64url.h"
#include "cache_access.h"
#include "console.h"
#include "entry_walk.h"
#include "human_units.h"
#include "key_text.h"
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

// What is to be invalidated: of `tags`, `prefix` (as the user wrote it) and `all` one.
struct What {
  std::vector<std::string> tags = {};
  std::string prefix = {};
  std::string prefix_bytes = {};
  bool soft = false;

  ordered_json ToJson() const {
    ordered_json json;
    if (!tags.empty()) {
      json["tags"] = tags;
    } else if (!prefix.empty()) {
      json["prefix"] = admin::ToBase64Url(prefix_bytes);
    } else {
      json["all"] = true;
    }
    if (soft) json["soft"] = true;
    return json;
  }
};

Result<What> ReadWhat(const Invocation& invocation) {
  What what{.tags = invocation.Values("--tag"), .soft = invocation.Has("--soft")};
  const bool prefix = invocation.Has("--prefix");
  if ((what.tags.empty() ? 0 : 1) + (prefix ? 1 : 0) + (invocation.Has("--all") ? 1 : 0) != 1) {
    return Invalid("what to invalidate: one of --tag T, --prefix P, --all");
  }
  if (Status status = CheckTags(what.tags); !status.ok()) return status;
  if (!prefix) return what;
  what.prefix = invocation.Value("--prefix");
  Result<std::string> bytes = admin::ParseKeyPrefix(what.prefix);
  if (!bytes.ok()) return bytes.status().WithContext("--prefix");
  if (bytes->empty()) return Invalid("--prefix of no bytes is every entry: --all");
  what.prefix_bytes = *std::move(bytes);
  return what;
}

std::string Covered(const What& what) {
  if (!what.prefix.empty()) return "every entry whose key begins with " + what.prefix;
  if (what.tags.empty()) return "every entry";
  std::string text = "every entry with tag ";
  for (std::size_t i = 0; i < what.tags.size(); ++i) {
    if (i > 0) text += i + 1 == what.tags.size() ? " or " : ", ";
    text += '"' + what.tags[i] + '"';
  }
  return text;
}

// How many entries that are there now are covered: one pass over all of them.
Result<std::uint64_t> Count(CacheAccess& cache, const What& what) {
  admin::AdminRequest request{.method = "GET", .path = "/v1/entries"};
  if (!what.prefix.empty()) {
    request.query.emplace("prefix", admin::ToBase64Url(what.prefix_bytes));
  }
  std::uint64_t count = 0;
  const Result<std::uint64_t> corrupt =
      WalkEntries(cache, std::move(request), [&](const ordered_json& entry) {
        const auto wanted = [&](const ordered_json& tag) {
          return std::ranges::find(what.tags, tag.get<std::string>()) != what.tags.end();
        };
        if (what.tags.empty() || std::ranges::any_of(entry["tags"], wanted)) ++count;
        return true;
      });
  if (!corrupt.ok()) return corrupt.status();
  return count;
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
  const Result<What> what = ReadWhat(invocation);
  if (!what.ok()) return what.status();
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  ordered_json answer = what->ToJson();
  Result<std::uint64_t> count = 0;
  if (invocation.Has("--count")) count = Count(**cache, *what);
  if (!count.ok()) return count.status();
  const bool dry_run = invocation.Has("--dry-run");
  if (dry_run) {
    answer["number"] = nullptr;
    answer["dry_run"] = true;
  } else {
    if (Status status = Confirm(invocation, console); !status.ok()) return status;
    const Result<std::string> done = (*cache)->Call(
        {.method = "POST",
         .path = "/v1/invalidate",
         .body = answer.dump(-1, ' ', false, ordered_json::error_handler_t::replace)});
    if (!done.ok()) return done.status();
    answer = ordered_json::parse(*done);
  }
  if (invocation.Has("--count")) answer["covered"] = *count;
  if (console.json()) {
    console.Line(answer.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
    return tools::kExitDone;
  }
  std::string line = dry_run ? "would invalidate " : "invalidated ";
  if (what->soft) line = dry_run ? "would make stale " : "made stale ";
  line += Covered(*what);
  if (!dry_run) line += " (number " + answer["number"].dump() + ")";
  if (invocation.Has("--count")) line += ": " + ShowCount(*count) + " now";
  console.Line(line);
  return tools::kExitDone;
}

}  // namespace larder::cachectl
