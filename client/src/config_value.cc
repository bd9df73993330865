// The checks of single values; config_check.cc walks the document.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "config_check.h"
#include "larder/client/policy.h"
#include "larder/client/secret.h"
#include "larder/client/units.h"

namespace larder::client {
namespace {

// Long values are hardly mistyped ones, and the message should stay one line.
constexpr std::size_t kMostShown = 60;

std::string Found(const ConfigKey& key, const ConfigJson& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() && value.empty()) return "an empty list";
  if (key.type == ConfigType::kSecret && !value.is_null()) return "a literal (not shown)";
  std::string text = value.dump(-1, ' ', false, ConfigJson::error_handler_t::replace);
  if (text.size() > kMostShown && value.is_array()) return "a list with something else in it";
  if (text.size() > kMostShown) return "a text of " + std::to_string(text.size() - 2) + " bytes";
  return text;
}

bool HasReference(const std::string& text) { return text.find("${") != text.npos; }

// Without limits in the table, any finite number is in them.
template <typename T, typename Read>
bool InLimits(const ConfigKey& key, T value, Read read) {
  return (key.least.empty() || value >= read(key.least)) &&
         (key.most.empty() || value <= read(key.most));
}

double ReadNumber(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool IsDuration(const ConfigKey& key, const ConfigJson& value) {
  const std::optional<Duration> duration = ConfigDuration(value);
  if (!duration) return false;
  if (*duration == kForever) return key.type == ConfigType::kTtl;
  return InLimits(key, *duration, [](std::string_view text) { return *ParseDuration(text); });
}

bool IsSize(const ConfigKey& key, const ConfigJson& value) {
  const std::optional<std::uint64_t> size = ConfigSize(value);
  return size && InLimits(key, *size, [](std::string_view text) { return *ParseSize(text); });
}

bool IsText(const ConfigJson& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && std::none_of(text.begin(), text.end(),
                                       [](unsigned char c) { return std::iscntrl(c) != 0; });
}

bool IsChoice(const ConfigKey& key, const ConfigJson& value) {
  if (!IsText(value)) return false;
  const std::string choices = " " + std::string(key.choices) + " ";
  const auto& text = value.get_ref<const std::string&>();
  return text.find(' ') == text.npos && choices.find(" " + text + " ") != choices.npos;
}

bool IsHostCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
}

bool IsUrl(const ConfigJson& value) {
  if (!IsText(value)) return false;
  std::string_view rest = value.get_ref<const std::string&>();
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return false;
  }
  if (rest.find_first_of(" ?#@\\\"<>") != rest.npos) return false;
  std::string authority(rest.substr(0, rest.find('/')));
  if (authority.empty()) return false;
  const std::size_t colon = authority.rfind(':');
  if (colon == authority.npos || authority.back() == ']') authority += ":0";
  return ParseConfigAddress(authority).has_value();
}

// A user name or a password in a URL is a secret in the wrong place.
bool HasUserInfo(const ConfigJson& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('@') != std::string::npos;
}

bool IsHeaderNames(const ConfigJson& value) {
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  return value.is_array() && std::all_of(value.begin(), value.end(), [&](const ConfigJson& name) {
           if (!IsText(name)) return false;
           const auto& text = name.get_ref<const std::string&>();
           return std::all_of(text.begin(), text.end(), [&](char c) {
             return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                    kTokenMarks.find(c) != kTokenMarks.npos;
           });
         });
}

// Each element of a list, or the value itself, as `is_one` says.
template <typename IsOne>
bool IsOneOrMore(const ConfigJson& value, IsOne is_one) {
  if (!value.is_array()) return is_one(value);
  return !value.empty() && std::all_of(value.begin(), value.end(), is_one);
}

bool IsScalar(const ConfigJson& value) {
  return IsText(value) || value.is_number() || value.is_boolean();
}

bool IsTexts(const ConfigJson& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), IsText);
}

Status CheckTags(const ConfigJson& value) {
  if (!IsTexts(value)) return {StatusCode::kInvalidArgument, ""};
  PolicyRule rule;
  rule.tags = value.get<std::vector<std::string>>();
  return CheckPolicyRule(rule);
}

bool IsProxy(const ConfigJson& value) {
  if (value == "none") return true;
  constexpr std::size_t kPastScheme = 8;
  return IsUrl(value) &&
         value.get_ref<const std::string&>().find('/', kPastScheme) == std::string::npos;
}

bool IsAllowed(const ConfigKey& key, const ConfigJson& value) {
  switch (key.type) {
    case ConfigType::kText: return IsText(value);
    case ConfigType::kChoice: return IsChoice(key, value);
    case ConfigType::kFlag: return value.is_boolean();
    case ConfigType::kInteger:
    case ConfigType::kNumber: {
      const bool is_number =
          key.type == ConfigType::kInteger ? value.is_number_integer() : value.is_number();
      return is_number && InLimits(key, value.get<double>(), ReadNumber);
    }
    case ConfigType::kDuration:
    case ConfigType::kTtl: return IsDuration(key, value);
    case ConfigType::kSize: return IsSize(key, value);
    case ConfigType::kUrl: return IsUrl(value);
    case ConfigType::kAddress: return IsText(value) && ParseConfigAddress(value.get<std::string>());
    case ConfigType::kHeaderNames: return IsHeaderNames(value);
    case ConfigType::kPatterns: return IsOneOrMore(value, IsText);
    case ConfigType::kScalars: return IsOneOrMore(value, IsScalar);
    case ConfigType::kTags: return CheckTags(value).ok();
    case ConfigType::kProxy: return IsProxy(value);
    case ConfigType::kSecret:
      return value.is_string() && Secret::Parse(value.get<std::string>()).ok();
  }
  return false;
}

}  // namespace

std::optional<Duration> ConfigDuration(const ConfigJson& value) {
  if (!value.is_string() && !value.is_number_unsigned()) return std::nullopt;
  const Result<Duration> duration =
      ParseDuration(value.is_string() ? value.get<std::string>() : value.dump());
  return duration.ok() ? std::optional(*duration) : std::nullopt;
}

std::optional<std::uint64_t> ConfigSize(const ConfigJson& value) {
  if (!value.is_string() && !value.is_number_unsigned()) return std::nullopt;
  const Result<std::uint64_t> size =
      ParseSize(value.is_string() ? value.get<std::string>() : value.dump());
  return size.ok() ? std::optional(*size) : std::nullopt;
}

std::optional<ConfigAddress> ParseConfigAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  ConfigAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != host.npos) return std::nullopt;
  } else if (host.empty() || !std::all_of(host.begin(), host.end(), IsHostCharacter)) {
    return std::nullopt;
  }
  address.host = host;
  return address;
}

std::string CheckConfigValue(const ConfigKey& key, const ConfigJson& value) {
  if (value.is_null() && key.nullable) return "";
  if (key.type != ConfigType::kSecret && IsText(value) &&
      HasReference(value.get_ref<const std::string&>())) {
    return "found a reference; allowed: " + DescribeAllowed(key) +
           " (references stand only where a secret belongs)";
  }
  if (IsAllowed(key, value)) return "";
  if (key.type == ConfigType::kTags && IsTexts(value)) return CheckTags(value).message();
  const bool is_url = key.type == ConfigType::kUrl || key.type == ConfigType::kProxy;
  if (is_url && HasUserInfo(value)) {
    return "found a URL with credentials in it (not shown); allowed: " + DescribeAllowed(key);
  }
  if (key.type == ConfigType::kSecret && value.is_string()) {
    return Secret::Parse(value.get<std::string>()).status().message();
  }
  return "found " + Found(key, value) + "; allowed: " + DescribeAllowed(key);
}

ConfigJson ConfigValueFromText(const ConfigKey& key, const std::string& text) {
  if (key.nullable && text == "null") return nullptr;
  switch (key.type) {
    case ConfigType::kFlag:
    case ConfigType::kInteger:
    case ConfigType::kNumber: {
      ConfigJson value = ConfigJson::parse(text, nullptr, /*allow_exceptions=*/false);
      return value.is_discarded() ? ConfigJson(text) : value;
    }
    case ConfigType::kHeaderNames:
    case ConfigType::kPatterns:
    case ConfigType::kScalars:
    case ConfigType::kTags: {
      if (text.starts_with('[')) {
        ConfigJson list = ConfigJson::parse(text, nullptr, /*allow_exceptions=*/false);
        return list.is_discarded() ? ConfigJson(text) : list;
      }
      ConfigJson names = ConfigJson::array();
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::size_t first = text.find_first_not_of(' ', at);
        const std::size_t last = text.find_last_not_of(' ', comma - 1);
        names.push_back(first < comma ? text.substr(first, last - first + 1) : "");
        at = comma + 1;
      }
      return names;
    }
    default: return text;
  }
}

}  // namespace larder::client
