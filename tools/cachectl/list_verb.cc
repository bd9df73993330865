// ls: entries, page by page, or the first of them in another order.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base64url.h"
#include "cache_access.h"
#include "console.h"
#include "entry_walk.h"
#include "human_units.h"
#include "key_text.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

struct Listing {
  admin::AdminRequest request;
  std::string sort_field;  // of the JSON; empty = by key
  bool largest_first = true;
  std::size_t limit = SIZE_MAX;
  bool keys_only = false;
};

Status ReadSort(const Invocation& invocation, Listing& listing) {
  if (!invocation.Has("--sort")) return Status::Ok();
  const std::string sort = invocation.Value("--sort");
  if (sort == "age") {
    listing.sort_field = "age_ms";
    listing.largest_first = false;
  } else if (sort == "size") {
    listing.sort_field = "stored_bytes";
  } else if (sort == "cost") {
    listing.sort_field = "cost";
  } else if (sort == "hits") {
    listing.sort_field = "hits";
  } else {
    return Invalid("--sort \"" + sort + "\"; allowed: age, size, hits, cost");
  }
  return Status::Ok();
}

Result<Listing> ReadListing(const Invocation& invocation) {
  Listing listing;
  listing.request.method = "GET";
  listing.request.path = "/v1/entries";
  if (Status status = ReadSort(invocation, listing); !status.ok()) return status;
  if (invocation.Has("--prefix")) {
    const Result<std::string> prefix = admin::ParseKeyPrefix(invocation.Value("--prefix"));
    if (!prefix.ok()) return prefix.status().WithContext("--prefix");
    listing.request.query.emplace("prefix", admin::ToBase64Url(*prefix));
  }
  for (const char* name : {"tag", "state"}) {
    const std::string flag = std::string("--") + name;
    if (invocation.Has(flag)) listing.request.query.emplace(name, invocation.Value(flag));
  }
  const Result<std::uint32_t> limit = ReadNumber(invocation, "--limit", UINT32_MAX);
  if (!limit.ok()) return limit.status();
  listing.limit = *limit;
  listing.keys_only = invocation.Has("--keys-only");
  return listing;
}

std::string Facts(const ordered_json& entry) {
  const ordered_json& ttl = entry["ttl_ms"];
  std::string text = ShowMs(entry["age_ms"]) + " old, ";
  if (ttl.is_null()) {
    text += "never stale";
  } else {
    text += ttl.get<std::int64_t>() > 0 ? "fresh for " + ShowMs(ttl)
                                        : "stale since " + ShowMs(-ttl.get<std::int64_t>());
  }
  text += ", " + ShowBytes(entry["raw_bytes"]) + " -> " + ShowBytes(entry["stored_bytes"]);
  if (entry["hits"] != 0) text += ", ~" + ShowCount(entry["hits"]) + " hits";
  if (entry["cost"] != 0) text += ", " + ShowMicroUsd(entry["cost"]);
  for (const ordered_json& tag : entry["tags"]) text += ", " + tag.get<std::string>();
  return text;
}

void Show(const ordered_json& entry, const Listing& listing, Console& console) {
  const std::string key = entry["key"].get<std::string>();
  if (listing.keys_only) {
    console.Line(console.json() ? ordered_json{{"key", key}}.dump() : key);
  } else {
    console.Line(console.json() ? entry.dump() : key + "  " + Facts(entry));
  }
}

// Of all entries the first `limit`: no more than twice that many are held.
class Best {
 public:
  explicit Best(const Listing& listing) : listing_(listing) {}

  void Add(ordered_json entry) {
    entries_.push_back(std::move(entry));
    if (entries_.size() / 2 >= listing_.limit) Trim();
  }
  const std::vector<ordered_json>& Trim() {
    std::stable_sort(entries_.begin(), entries_.end(), [this](const auto& a, const auto& b) {
      const ordered_json& x = a[listing_.sort_field];
      const ordered_json& y = b[listing_.sort_field];
      return listing_.largest_first ? y < x : x < y;
    });
    if (entries_.size() > listing_.limit) entries_.resize(listing_.limit);
    return entries_;
  }

 private:
  const Listing& listing_;
  std::vector<ordered_json> entries_;
};

}  // namespace

Result<tools::ExitStatus> RunList(const Invocation& invocation, Console& console) {
  const Result<Listing> listing = ReadListing(invocation);
  if (!listing.ok()) return listing.status();
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  Best best(*listing);
  std::size_t shown = 0;
  const Result<std::uint64_t> corrupt =
      WalkEntries(**cache, listing->request, [&](ordered_json entry) {
        if (!listing->sort_field.empty()) {
          best.Add(std::move(entry));
          return true;
        }
        Show(entry, *listing, console);
        return ++shown < listing->limit;
      });
  if (!corrupt.ok()) return corrupt.status();
  if (!listing->sort_field.empty()) {
    for (const ordered_json& entry : best.Trim()) Show(entry, *listing, console);
  }
  if (*corrupt > 0) {
    console.Note("cachectl: " + ShowCount(*corrupt) + " damaged entries were passed over");
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
