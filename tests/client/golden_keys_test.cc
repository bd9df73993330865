// Golden keys: what a request's key is, so that a change of it is never an accident (all entries of
// all users would miss), and which requests must or must not share one. The data was made by
// another implementation; tests/data/keys/README.md says how to read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "larder/client/explain_key.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using nlohmann::json;

std::vector<json> Lines(const char* name) {
  std::ifstream file(std::string(LARDER_KEY_DATA) + "/" + name);
  std::vector<json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

KeyExplanation Explain(const json& asked) {
  const std::string endpoint = asked["endpoint"];
  const std::map<std::string, std::string> paths = {{"chat", "/v1/chat/completions"},
                                                    {"completions", "/v1/completions"},
                                                    {"responses", "/v1/responses"},
                                                    {"embeddings", "/v1/embeddings"},
                                                    {"messages", "/v1/messages"}};
  ProviderConfig provider;
  provider.dialect = endpoint == "messages" ? "anthropic" : endpoint == "http" ? "http" : "openai";
  provider.base_url = asked.value("base_url", "https://api.openai.com");
  provider.key_headers = asked.value("key_headers", std::vector<std::string>());
  if (asked.contains("auth")) provider.auth.method = AuthMethod::kBearer;
  Request request;
  request.method = asked.value("method", "POST");
  request.target = asked.contains("target") ? asked["target"] : json(paths.at(endpoint));
  request.body = asked["body"];
  for (const json& header : asked.value("headers", json::array())) {
    request.headers.Add(header[0], header[1]);
  }
  request.directives.name_space = asked.value("namespace", "");
  request.directives.sample = asked.value("sample", 0u);
  if (asked.contains("larder_key")) request.directives.key = asked["larder_key"];
  const std::string scope = asked.value("scope", "scope");
  const auto explained = ExplainKey(request, provider, Policy(), scope);
  EXPECT_OK(explained) << asked;
  return explained.ok() ? *explained : KeyExplanation();
}

TEST(GoldenKeysTest, CanonicalFormsAndKeysAreWhatTheyWere) {
  const std::vector<json> golden = Lines("golden.jsonl");
  EXPECT_EQ(golden.size(), 36u);
  for (const json& line : golden) {
    const KeyExplanation explained = Explain(line);
    EXPECT_EQ(explained.canonical, line["canonical"]) << line["name"];
    EXPECT_EQ(json(explained.ignored), line["ignored"]) << line["name"];
    EXPECT_EQ(ToHex(explained.key), line["key"]) << line["name"];
  }
}

TEST(GoldenKeysTest, RequestsShareAKeyOnlyWhereTheyMust) {
  const std::vector<json> pairs = Lines("pairs.jsonl");
  EXPECT_GE(pairs.size(), 100u);
  std::set<int> bugs;
  for (const json& pair : pairs) {
    if (pair.contains("bug")) bugs.insert(pair["bug"].get<int>());
    EXPECT_EQ(Explain(pair["a"]).key == Explain(pair["b"]).key, pair["same"].get<bool>())
        << pair["name"];
  }
  EXPECT_EQ(bugs.size(), 19u) << "a pair for each bug that users of others met";
}

}  // namespace
}  // namespace larder::client
