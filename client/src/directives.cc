#include "larder/client/directives.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "ascii.h"
#include "cache_control.h"
#include "larder/client/message.h"
#include "larder/client/nearest_name.h"
#include "larder/client/units.h"
#include "larder/options.h"

namespace larder::client {
namespace {

constexpr std::string_view kPrefix = "larder-";
constexpr std::string_view kKnown[] = {
    "Larder-TTL",    "Larder-Tags", "Larder-Namespace",
    "Larder-Sample", "Larder-Key",  "Larder-Explain",
};

// The namespace becomes part of an engine tag, so it must leave room in one.
constexpr std::size_t kMaxNamespaceBytes = 128;

Status Malformed(std::string_view header, std::string_view why) {
  return {StatusCode::kInvalidArgument, std::string(header) + ": " + std::string(why)};
}

bool IsText(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

// Of a directive given twice, the stricter holds.
void Tighten(std::optional<Duration>& field, Duration value, bool smaller_is_stricter) {
  const bool takes = !field || (smaller_is_stricter ? value < *field : value > *field);
  if (takes) field = value;
}

// False if the element is malformed. Unknown directives are not (RFC 9111, section 5.2.3).
bool ApplyCacheControl(std::string_view element, Directives& directives) {
  const auto [name, has_value, value] = ParseDirective(element);
  if (name == "no-cache") {
    directives.no_cache = true;
  } else if (name == "no-store") {
    directives.no_store = true;
  } else if (name == "only-if-cached") {
    directives.only_if_cached = true;
  } else if (name == "max-stale" && !has_value) {
    Tighten(directives.max_stale, kForever, true);
  } else if (name == "max-age" || name == "min-fresh" || name == "max-stale") {
    const std::optional<Duration> seconds = ParseDeltaSeconds(value);
    if (!seconds) return false;
    if (name == "max-age") Tighten(directives.max_age, *seconds, true);
    if (name == "min-fresh") Tighten(directives.min_fresh, *seconds, false);
    if (name == "max-stale") Tighten(directives.max_stale, *seconds, true);
  } else {
    const bool is_token =
        !name.empty() && name.find_first_of(" \t\"\\();,:<>@[]{}?/") == std::string::npos;
    const bool open_quote = value.starts_with('"') && (value.size() < 2 || !value.ends_with('"'));
    return is_token && !open_quote;
  }
  return true;
}

void ParseCacheControl(std::string_view field, Directives& directives) {
  ListElements elements(field);
  while (elements.AreLeft()) {
    const std::string_view element = elements.Take();
    if (element.empty()) continue;
    if (!ApplyCacheControl(element, directives)) directives.no_cache = true;
  }
}

Status ParseTags(std::string_view field, std::vector<std::string>& tags) {
  while (!field.empty()) {
    const std::size_t comma = std::min(field.find(','), field.size());
    const std::string_view tag = TrimBlanks(field.substr(0, comma));
    field.remove_prefix(std::min(comma + 1, field.size()));
    if (tag.empty()) continue;
    if (tag.size() > kMaxCallerTagBytes) {
      return Malformed("Larder-Tags", "tag of " + std::to_string(tag.size()) +
                                          " bytes is over the limit of " +
                                          std::to_string(kMaxCallerTagBytes));
    }
    if (!IsText(tag)) return Malformed("Larder-Tags", "tag with a control character");
    if (std::find(tags.begin(), tags.end(), tag) != tags.end()) continue;
    if (tags.size() == kMaxCallerTags) {  // at once: a long list must not cost its square
      return Malformed("Larder-Tags",
                       "more tags than the limit of " + std::to_string(kMaxCallerTags));
    }
    tags.emplace_back(tag);
  }
  return Status::Ok();
}

Status ParseTtl(std::string_view field, std::optional<Duration>& ttl) {
  const Result<Duration> parsed = ParseDuration(field);
  if (!parsed.ok()) return parsed.status().WithContext("Larder-TTL");
  ttl = *parsed;
  return Status::Ok();
}

Status ParseNamespace(std::string_view field, std::string& name_space) {
  if (field.empty() || field.size() > kMaxNamespaceBytes || !IsText(field)) {
    return Malformed("Larder-Namespace", "must be 1 to " + std::to_string(kMaxNamespaceBytes) +
                                             " bytes without control characters, is " +
                                             std::to_string(field.size()));
  }
  name_space = field;
  return Status::Ok();
}

Status ParseSample(std::string_view field, std::uint32_t& sample) {
  const char* end = field.data() + field.size();
  const auto [rest, error] = std::from_chars(field.data(), end, sample);
  if (error == std::errc() && rest == end) return Status::Ok();
  return Malformed("Larder-Sample", "must be a whole number from 0 to " +
                                        std::to_string(std::numeric_limits<std::uint32_t>::max()));
}

Status ApplyLarderHeader(const Header& field, const Headers& headers, Directives& directives) {
  const std::string_view value = TrimBlanks(field.value);
  if (EqualsIgnoreCase(field.name, "Larder-Tags")) return ParseTags(value, directives.tags);

  // The others hold one value; two of them would leave it to chance which one holds.
  const auto same_name = [&](const Header& other) {
    return EqualsIgnoreCase(other.name, field.name);
  };
  const auto times = std::count_if(headers.begin(), headers.end(), same_name);
  for (const std::string_view known : kKnown) {
    if (times > 1 && EqualsIgnoreCase(field.name, known)) return Malformed(known, "given twice");
  }
  if (EqualsIgnoreCase(field.name, "Larder-TTL")) return ParseTtl(value, directives.ttl);
  if (EqualsIgnoreCase(field.name, "Larder-Sample")) return ParseSample(value, directives.sample);
  if (EqualsIgnoreCase(field.name, "Larder-Namespace")) {
    return ParseNamespace(value, directives.name_space);
  }
  if (EqualsIgnoreCase(field.name, "Larder-Explain")) {
    if (value != "1" && value != "0") return Malformed("Larder-Explain", "must be 1 or 0");
    directives.explain = value == "1";
    return Status::Ok();
  }
  if (EqualsIgnoreCase(field.name, "Larder-Key")) {
    if (value.empty()) return Malformed("Larder-Key", "must not be empty");
    directives.key = std::string(value);
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument, "unknown header " + field.name.substr(0, 64) +
                                            ", the nearest known is " +
                                            std::string(NearestName(field.name, kKnown))};
}

bool IsLarderHeader(const Header& field) {
  return EqualsIgnoreCase(std::string_view(field.name).substr(0, kPrefix.size()), kPrefix);
}

}  // namespace

bool IsCallerTag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kMaxCallerTagBytes && IsText(tag);
}

Result<Directives> ParseDirectives(const Headers& headers) {
  Directives directives;
  for (const Header& field : headers) {
    if (EqualsIgnoreCase(field.name, "cache-control")) {
      ParseCacheControl(field.value, directives);
    } else if (IsLarderHeader(field)) {
      if (Status status = ApplyLarderHeader(field, headers, directives); !status.ok()) {
        return status;
      }
    }
  }
  return directives;
}

void RemoveDirectives(Headers& headers) {
  std::set<std::string> names;  // each once, for many fields may have one name
  for (const Header& field : headers) {
    if (IsLarderHeader(field)) names.insert(LowerAscii(field.name));
  }
  for (const std::string& name : names) headers.Remove(name);
}

}  // namespace larder::client
