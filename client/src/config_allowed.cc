// What may stand at a key of config.json, in words.
#include "larder/client/config_keys.h"

namespace larder::client {
namespace {

std::string Bounds(const ConfigKey& key) {
  const std::string least(key.least);
  const std::string most(key.most);
  if (!least.empty() && least == most) return ", only " + least;
  if (!least.empty() && !most.empty()) return " from " + least + " to " + most;
  if (!least.empty()) return ", at least " + least;
  if (!most.empty()) return ", at most " + most;
  return "";
}

std::string DescribeChoices(std::string_view choices) {
  std::string text;
  while (!choices.empty()) {
    const std::size_t end = choices.find(' ');
    if (!text.empty()) text += ", ";
    text += '"' + std::string(choices.substr(0, end)) + '"';
    choices = end == choices.npos ? std::string_view() : choices.substr(end + 1);
  }
  return text;
}

std::string DescribeType(const ConfigKey& key) {
  switch (key.type) {
    case ConfigType::kText: return "a text";
    case ConfigType::kChoice: return DescribeChoices(key.choices);
    case ConfigType::kFlag: return "true or false";
    case ConfigType::kInteger: return "a whole number" + Bounds(key);
    case ConfigType::kNumber: return "a number" + Bounds(key);
    case ConfigType::kDuration: return R"(a duration such as "500ms", "30s", "24h")" + Bounds(key);
    case ConfigType::kTtl: return R"(a duration such as "24h", 0 or "never")";
    case ConfigType::kSize: return R"(a size such as "64MiB" or bytes)" + Bounds(key);
    case ConfigType::kUrl: return R"(a URL such as "https://api.example.com")";
    case ConfigType::kAddress: return R"(ADDRESS:PORT such as "127.0.0.1:8080")";
    case ConfigType::kHeaderNames: return "a list of names of header fields";
    case ConfigType::kPatterns: return R"(a text such as "gpt-*", or a list of such)";
    case ConfigType::kScalars:
      return R"(a text such as "blue-*", a number, true, false, or a list of such)";
    case ConfigType::kTags: return R"(a list of texts such as "model:{model}")";
    case ConfigType::kProxy: return R"(a URL such as "http://proxy:3128", or "none")";
    case ConfigType::kSecret: return R"("${env:NAME}", "${file:/path}", "${vault:NAME}")";
  }
  return "";
}

}  // namespace

std::string DescribeAllowed(const ConfigKey& key) {
  std::string text = DescribeType(key);
  if (key.nullable) text += " or null";
  return text;
}

}  // namespace larder::client
