// Policy: which requests are cached, how long, under which tags, and what may be kept.
//
// An ordered list of rules; the first that matches a request decides, and what it does not say is
// as in the rest of the configuration. No rules, or none that matches: everything is.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "larder/client/message.h"
#include "larder/client/store_rules.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// "gpt-*": an asterisk stands for any text, also none; all else for itself.
bool MatchesPattern(std::string_view pattern, std::string_view text);

// What a field of a request's body is compared with.
using FieldPattern = std::variant<std::string, double, bool>;

// All that is said must hold; of a list, one of its elements.
struct PolicyMatch {
  std::vector<std::string> provider = {};
  std::vector<std::string> path = {};
  std::vector<std::string> model = {};
  std::map<std::string, std::vector<std::string>> header = {};  // by field name
  std::map<std::string, std::vector<FieldPattern>> field =
      {};  // by name; "a.b" is b in the object a
};

struct PolicyRule {
  std::string name;
  PolicyMatch match;
  std::optional<bool> cache;
  std::optional<Duration> ttl;    // 0 = not stored, kForever = no expiry
  std::vector<std::string> tags;  // templates
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
  StoreRules store;
  bool cache_stateful = false;
};

// What a rule looks at. The views must outlive the call.
struct PolicySubject {
  std::string_view provider;
  std::string_view path;  // without query
  std::string_view model;
  const Headers& headers;
  std::string_view body;
};

struct PolicyDecision {
  std::optional<std::size_t> rule;  // index of the rule that decided
  bool cache = true;
  std::optional<Duration> ttl;
  std::vector<std::string> tags;
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
  StoreRules store;
  bool cache_stateful = false;
};

// Immutable, thread-safe.
class Policy {
 public:
  Policy() = default;
  // The rules as they are; check them with CheckPolicyRule.
  explicit Policy(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {}

  PolicyDecision Decide(const PolicySubject& subject) const;
  const std::vector<PolicyRule>& rules() const { return rules_; }

 private:
  std::vector<PolicyRule> rules_;
};

// Errors: kInvalidArgument: a template with a part that is not known, or no tag at all.
Status CheckPolicyRule(const PolicyRule& rule);

}  // namespace larder::client
