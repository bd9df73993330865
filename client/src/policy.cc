#include "larder/client/policy.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "body_fields.h"
#include "larder/client/nearest_name.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Of one rule: with those of a caller, twice, an entry has room for them (larder::kMaxTags).
constexpr std::size_t kMaxTags = 32;
constexpr std::size_t kMaxTagBytes = 256;

// How the part of a template begins that stands for a field.
constexpr std::string_view kField = "field.";
std::string_view NameOf(std::string_view part) { return part.substr(kField.size()); }

bool MatchesOne(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return MatchesPattern(pattern, text); });
}

bool Says(const std::vector<std::string>& patterns, std::string_view text) {
  return patterns.empty() || MatchesOne(patterns, text);
}

// Calls `on_text` and `on_part` for what stands outside and inside of braces. False: a brace is
// not closed, or `on_part` says so.
bool ForEachPart(std::string_view pattern, const std::function<void(std::string_view)>& on_text,
                 const std::function<bool(std::string_view)>& on_part) {
  while (!pattern.empty()) {
    const std::size_t open = std::min(pattern.find('{'), pattern.size());
    on_text(pattern.substr(0, open));
    pattern.remove_prefix(open);
    if (pattern.empty()) return true;
    const std::size_t close = pattern.find('}');
    if (close == pattern.npos || !on_part(pattern.substr(1, close - 1))) return false;
    pattern.remove_prefix(close + 1);
  }
  return true;
}

// The fields of a body that any of the rules looks at, read when one first asks.
class Fields {
 public:
  Fields(std::string_view body, const std::vector<PolicyRule>& rules)
      : body_(body), rules_(rules) {}

  const json& Find(std::string_view name) {
    if (values_.empty()) Read();
    return values_.find(name)->second;
  }

 private:
  void Read() {
    for (const PolicyRule& rule : rules_) {
      for (const auto& [name, patterns] : rule.match.field) values_.try_emplace(name);
      for (const std::string& pattern : rule.tags) {
        ForEachPart(
            pattern, [](std::string_view) {},
            [this](std::string_view part) {
              if (part.starts_with(kField)) values_.try_emplace(std::string(NameOf(part)));
              return true;
            });
      }
    }
    ReadBodyFields(body_, values_);
  }

  const std::string_view body_;
  const std::vector<PolicyRule>& rules_;
  BodyFields values_;
};

bool MatchesField(const FieldPattern& pattern, const json& value) {
  if (const auto* text = std::get_if<std::string>(&pattern)) {
    return value.is_string() && MatchesPattern(*text, value.get_ref<const std::string&>());
  }
  if (const auto* number = std::get_if<double>(&pattern)) {
    return value.is_number() && value.get<double>() == *number;
  }
  return value.is_boolean() && value.get<bool>() == std::get<bool>(pattern);
}

bool Matches(const PolicyMatch& match, const PolicySubject& subject, Fields& fields) {
  if (!Says(match.provider, subject.provider) || !Says(match.path, subject.path) ||
      !Says(match.model, subject.model)) {
    return false;
  }
  for (const auto& [name, patterns] : match.header) {
    if (!subject.headers.Has(name) || !MatchesOne(patterns, subject.headers.Joined(name))) {
      return false;
    }
  }
  return std::all_of(match.field.begin(), match.field.end(), [&](const auto& wanted) {
    const json& value = fields.Find(wanted.first);
    return std::any_of(wanted.second.begin(), wanted.second.end(),
                       [&](const FieldPattern& pattern) { return MatchesField(pattern, value); });
  });
}

// Text, numbers and truth values as they would stand in a tag; nullopt for all else.
std::optional<std::string> FieldText(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::optional<std::string> PartText(std::string_view part, const PolicySubject& subject,
                                    Fields& fields) {
  std::optional<std::string> text;
  if (part == "model") text = std::string(subject.model);
  if (part == "provider") text = std::string(subject.provider);
  if (part == "path") text = std::string(subject.path);
  if (part.starts_with("header.")) text = subject.headers.Joined(part.substr(7));
  if (part.starts_with(kField)) text = FieldText(fields.Find(NameOf(part)));
  if (text && text->empty()) text.reset();
  return text;
}

std::optional<std::string> FillIn(std::string_view pattern, const PolicySubject& subject,
                                  Fields& fields) {
  std::string tag;
  const bool whole = ForEachPart(
      pattern, [&](std::string_view text) { tag += text; },
      [&](std::string_view part) {
        const std::optional<std::string> text = PartText(part, subject, fields);
        if (text) tag += *text;
        return text.has_value();
      });
  return whole && !tag.empty() ? std::optional(std::move(tag)) : std::nullopt;
}

std::string ComplaintAbout(std::string_view part) {
  constexpr std::string_view kParts[] = {"model", "provider", "path", "header.", "field."};
  for (const std::string_view known : kParts) {
    if (part == known && !known.ends_with('.')) return "";
    if (known.ends_with('.') && part.starts_with(known) && part.size() > known.size()) return "";
  }
  const std::string_view name = part.substr(0, part.find('.'));
  return "no part {" + std::string(part) + "}; nearest is {" +
         std::string(NearestName(name, kParts)) + "}; allowed: {model}, {provider}, {path}, " +
         "{header.NAME}, {field.NAME}";
}

}  // namespace

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  std::size_t star = std::string_view::npos;  // the last one seen
  std::size_t retry = 0;                      // where what it stands for would end one further on
  std::size_t p = 0;
  std::size_t t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

PolicyDecision Policy::Decide(const PolicySubject& subject) const {
  PolicyDecision decision;
  Fields fields(subject.body, rules_);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const PolicyRule& rule = rules_[i];
    if (!Matches(rule.match, subject, fields)) continue;
    decision.rule = i;
    decision.cache = rule.cache.value_or(true);
    decision.ttl = rule.ttl;
    decision.stale_while_revalidate = rule.stale_while_revalidate;
    decision.stale_if_error = rule.stale_if_error;
    decision.store = rule.store;
    decision.cache_stateful = rule.cache_stateful;
    for (const std::string& pattern : rule.tags) {
      std::optional<std::string> tag = FillIn(pattern, subject, fields);
      if (!tag) continue;
      // What cannot be invalidated as the rule says must not be kept.
      if (tag->size() > kMaxTagBytes) decision.cache = false;
      decision.tags.push_back(*std::move(tag));
    }
    return decision;
  }
  return decision;
}

Status CheckPolicyRule(const PolicyRule& rule) {
  if (rule.tags.size() > kMaxTags) {
    return {StatusCode::kInvalidArgument, "found " + std::to_string(rule.tags.size()) +
                                              " tags; allowed: " + std::to_string(kMaxTags)};
  }
  for (const std::string& pattern : rule.tags) {
    std::string complaint;
    const bool whole = ForEachPart(
        pattern, [](std::string_view) {},
        [&](std::string_view part) {
          complaint = ComplaintAbout(part);
          return complaint.empty();
        });
    if (!whole && complaint.empty()) complaint = "a brace is not closed";
    if (!complaint.empty()) {
      return {StatusCode::kInvalidArgument, "tag \"" + pattern + "\": " + complaint};
    }
  }
  return Status::Ok();
}

}  // namespace larder::client
