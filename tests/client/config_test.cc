// config.json and what is laid over it: order of the layers, and the message for every mistake.
#include "larder/client/config.h"

#include <fstream>
#include <map>
#include <string>

#include "larder/client/config_document.h"
#include "larder/client/config_keys.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using larder::testing::HasCode;
using larder::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

// Two providers, so that a document is whole.
constexpr const char* kWhole = R"({
  "cache": { "directory": "/var/cache/x", "max_disk_bytes": "1GiB" },
  "providers": {
    "openai": { "base_url": "https://api.openai.com/" },
    "claude": { "dialect": "anthropic", "base_url": "https://api.anthropic.com" }
  },
  "prices": { "meta/llama-3": { "input_per_million": 0.5, "output_per_million": 2 } },
  "environments": {
    "small": { "cache": { "max_disk_bytes": "300MiB" } },
    "plain": { "cache": { "max_disk_bytes": null }, "providers": { "claude": null } }
  }
})";

class ConfigTest : public ::testing::Test {
 protected:
  // Loads `text` as config.json; messages then name it without its folder.
  Result<ConfigDocument> Load(const std::string& text) {
    const std::string path = dir_ / "config.json";
    std::ofstream(path) << text;
    Result<ConfigDocument> document =
        ConfigDocument::Load({.file = path, .environment = environment_, .flags = flags_});
    if (document.ok()) return document;
    std::string message = document.status().message();
    if (const auto at = message.find(dir_.path() + "/"); at != message.npos) {
      message.erase(at, dir_.path().size() + 1);
    }
    return Status(document.status().code(), message);
  }
  std::string Complaint(const std::string& text) { return Load(text).status().message(); }
  std::string Origin(const ConfigDocument& document, const std::string& pointer) {
    const std::string origin = document.Origin(pointer);
    return origin.starts_with(dir_.path()) ? origin.substr(dir_.path().size() + 1) : origin;
  }

  TempDir dir_;
  std::map<std::string, std::string> environment_;
  std::vector<ConfigFlag> flags_;
};

TEST_F(ConfigTest, FileOverridesDefaults) {
  const Result<ConfigDocument> document = Load(kWhole);
  ASSERT_OK(document);
  EXPECT_EQ(document->Size("/cache/max_disk_bytes"), std::uint64_t{1} << 30);
  EXPECT_EQ(Origin(*document, "/cache/max_disk_bytes"), "config.json:2");
  EXPECT_EQ(document->Size("/cache/max_memory_bytes"), std::uint64_t{256} << 20);
  EXPECT_EQ(document->Origin("/cache/max_memory_bytes"), "default");
}

TEST_F(ConfigTest, EachLayerOverridesTheOneBefore) {
  environment_["LARDER_ENV"] = "small";
  Result<ConfigDocument> document = Load(kWhole);
  ASSERT_OK(document);
  EXPECT_EQ(document->Text("/cache/max_disk_bytes"), "300MiB");
  EXPECT_EQ(Origin(*document, "/cache/max_disk_bytes"), "config.json:9");

  environment_["LARDER__CACHE__MAX_DISK_BYTES"] = "400MiB";
  document = Load(kWhole);
  ASSERT_OK(document);
  EXPECT_EQ(document->Text("/cache/max_disk_bytes"), "400MiB");
  EXPECT_EQ(document->Origin("/cache/max_disk_bytes"), "LARDER__CACHE__MAX_DISK_BYTES");

  flags_ = {{"--size", "/cache/max_disk_bytes", "500MiB"}};
  document = Load(kWhole);
  ASSERT_OK(document);
  EXPECT_EQ(document->Text("/cache/max_disk_bytes"), "500MiB");
  EXPECT_EQ(document->Origin("/cache/max_disk_bytes"), "--size");
}

TEST_F(ConfigTest, NullInAnEnvironmentTakesAKeyAway) {
  environment_["LARDER_ENV"] = "plain";
  const Result<ConfigDocument> document = Load(kWhole);
  ASSERT_OK(document);
  EXPECT_EQ(document->Text("/cache/max_disk_bytes"), "10GiB");
  EXPECT_EQ(document->Origin("/cache/max_disk_bytes"), "default");
  EXPECT_THAT(document->Names("/providers"), ElementsAre("openai"));
}

TEST_F(ConfigTest, VariablesReachNamesThatTheUserChose) {
  environment_["LARDER__PROVIDERS__CLAUDE__BASE_URL"] = "http://127.0.0.1:9";
  environment_["LARDER__PROVIDERS__NEW__BASE_URL"] = "http://127.0.0.1:10";
  environment_["LARDER__PROVIDERS__NEW__KEY_HEADERS"] = "x-a, x-b";
  environment_["LARDER__PRICES__META_LLAMA_3__INPUT_PER_MILLION"] = "7.5";
  environment_["LARDER__METRICS__ENABLED"] = "false";
  const Result<ConfigDocument> document = Load(kWhole);
  ASSERT_OK(document);
  EXPECT_EQ(document->Text("/providers/claude/base_url"), "http://127.0.0.1:9");
  EXPECT_EQ(document->Text("/providers/new/base_url"), "http://127.0.0.1:10");
  EXPECT_THAT(document->List("/providers/new/key_headers"), ElementsAre("x-a", "x-b"));
  EXPECT_EQ(document->Number("/prices/meta~1llama-3/input_per_million"), 7.5);
  EXPECT_FALSE(document->Flag("/metrics/enabled"));
}

TEST_F(ConfigTest, NamedFileComesBeforeTheVariable) {
  std::ofstream(dir_ / "other.json") << R"({"logging": {"level": "error"}})";
  environment_["LARDER_CONFIG"] = dir_ / "other.json";
  const Result<ConfigDocument> other = ConfigDocument::Load({.environment = environment_});
  ASSERT_OK(other);
  EXPECT_EQ(other->file(), dir_ / "other.json");
  EXPECT_EQ(other->Text("/logging/level"), "error");
  const Result<ConfigDocument> named = Load(kWhole);
  ASSERT_OK(named);
  EXPECT_EQ(named->file(), dir_ / "config.json");
}

TEST_F(ConfigTest, FileThatIsNamedMustBeThere) {
  const Result<ConfigDocument> document = ConfigDocument::Load({.file = dir_ / "absent.json"});
  EXPECT_THAT(document, HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(document.status().message(),
            dir_ / "absent.json" + ": cannot be read: No such file or directory");
  EXPECT_THAT(ConfigDocument::Load({.file = dir_.path()}).status().message(),
              HasSubstr("is a directory"));
}

TEST_F(ConfigTest, FileThatNeverEndsIsNotRead) {
  EXPECT_THAT(ConfigDocument::Load({.file = "/dev/zero"}).status().message(),
              HasSubstr("/dev/zero: is not a regular file"));
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ConfigDocument::Load({.file = pipe}).status().message(),
              HasSubstr("is not a regular file"));
}

TEST_F(ConfigTest, ClientReadsItsSections) {
  const Result<ConfigDocument> document = Load(R"({
    "cache": { "directory": "d", "max_disk_bytes": 268435456, "default_ttl": "never",
               "ttl_jitter": 0.25, "stale_if_error": "2m", "negative_ttl": "45s", "durability": "sync",
               "on_corruption": "fail", "compression": { "level": 7 } },
    "providers": { "p": { "dialect": "anthropic", "base_url": "http://h:1/base//",
                          "timeouts": { "idle": "7s", "total": 90 },
                          "key_headers": ["X-Tenant"], "inject_usage": true,
                          "upstream_freshness": true } },
    "prices": { "a/b": { "input_per_million": 1, "output_per_million": 2.5 } } })");
  ASSERT_OK(document);
  const Result<ClientConfig> config = ReadClientConfig(*document);
  ASSERT_OK(config);
  EXPECT_EQ(config->cache.directory, "d");
  EXPECT_EQ(config->cache.max_disk_bytes, std::uint64_t{256} << 20);
  EXPECT_EQ(config->cache.default_ttl, kForever);
  EXPECT_EQ(config->cache.ttl_jitter, 0.25);
  EXPECT_EQ(config->cache.stale_if_error, 2min);
  EXPECT_EQ(config->cache.negative_ttl, 45s);
  EXPECT_EQ(config->cache.durability, Durability::kSync);
  EXPECT_EQ(config->cache.on_corruption, OnCorruption::kFail);
  EXPECT_EQ(config->cache.compression.level, 7);
  const ProviderConfig& provider = config->providers.at("p");
  EXPECT_EQ(provider.name, "p");
  EXPECT_EQ(provider.dialect, "anthropic");
  EXPECT_EQ(provider.base_url, "http://h:1/base");
  EXPECT_EQ(provider.timeouts.idle, 7s);
  EXPECT_EQ(provider.timeouts.total, 90s);
  EXPECT_EQ(provider.timeouts.connect, 5s);
  EXPECT_THAT(provider.key_headers, ElementsAre("X-Tenant"));
  EXPECT_TRUE(provider.inject_usage);
  EXPECT_TRUE(provider.upstream_freshness);
  EXPECT_EQ(config->prices.at("a/b").output_per_million, 2.5);
}

TEST_F(ConfigTest, DefaultsOfTheTableAreThoseOfTheEngine) {
  const Result<ConfigDocument> document = Load("{}");
  ASSERT_OK(document);
  const Result<ClientConfig> config = ReadClientConfig(*document);
  ASSERT_OK(config);
  const larder::Options engine;
  EXPECT_EQ(config->cache.max_disk_bytes, engine.max_disk_bytes);
  EXPECT_EQ(config->cache.max_memory_bytes, engine.max_memory_bytes);
  EXPECT_EQ(config->cache.max_body_bytes, engine.max_body_bytes);
  EXPECT_EQ(config->cache.default_ttl, engine.default_ttl);
  EXPECT_EQ(config->cache.compression.level, engine.compression.level);
}

struct Mistake {
  const char* name;
  const char* text;
  const char* message;
};
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

class ConfigMistakeTest : public ConfigTest, public ::testing::WithParamInterface<Mistake> {};

TEST_P(ConfigMistakeTest, IsToldWithPlaceFoundAndAllowed) {
  const Result<ConfigDocument> document = Load(GetParam().text);
  EXPECT_THAT(document, HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(document.status().message(), GetParam().message);
}

constexpr Mistake kMistakes[] = {
    {"Syntax", "{\n  \"cache\": {,}\n}",
     "config.json:2:13: not JSON: unexpected ','; expected string literal"},
    {"TrailingText", "{}\n{}", "config.json:2:1: not JSON: unexpected '{'; expected end of input"},
    {"SyntaxDoesNotShowWhatWasRead", "{ \"admin\": { \"token\" \"sk-secret\" } }",
     "config.json:1:32: not JSON: unexpected string literal; expected ':'"},
    {"NotAnObject", "[]", "config.json:1: found array; allowed: an object"},
    {"NameTwice", "{\n\"metrics\": {},\n\"metrics\": {}}",
     "config.json:3: /metrics: occurs twice; allowed: once"},
    {"UnknownSection", R"({"chache": {}})",
     "config.json:1: /chache: unknown key; nearest is \"cache\"; allowed: \"cache\", \"policy\", "
     "\"providers\", \"prices\", \"gateway\", \"admin\", \"logging\", \"metrics\""},
    {"UnknownKey", "{\"metrics\":\n {\"enable\": true}}",
     "config.json:2: /metrics/enable: unknown key; nearest is \"enabled\"; allowed: \"enabled\""},
    {"UnknownKeyOfAProvider", R"({"providers": {"a": {"timeouts": {"ilde": "1s"}}}})",
     "config.json:1: /providers/a/timeouts/ilde: unknown key; nearest is \"idle\"; allowed: "
     "\"connect\", \"first_byte\", \"idle\", \"total\""},
    {"UnknownKeyOfAnEnvironment", R"({"environments": {"e": {"logging": {"lvel": "info"}}}})",
     "config.json:1: /environments/e/logging/lvel: unknown key; nearest is \"level\"; allowed: "
     "\"level\", \"format\", \"file\""},
    {"SectionIsNotAnObject", R"({"cache": 3})",
     "config.json:1: /cache: found number; allowed: an "
     "object"},
    {"Choice", R"({"cache": {"durability": "fast"}})",
     "config.json:1: /cache/durability: found \"fast\"; allowed: \"process\", \"sync\""},
    {"SizeBelowTheLeast", R"({"cache": {"max_disk_bytes": "10MiB"}})",
     "config.json:1: /cache/max_disk_bytes: found \"10MiB\"; allowed: a size such as \"64MiB\" or "
     "bytes, at least 256MiB"},
    {"SizeWithoutAKnownUnit", R"({"cache": {"max_disk_bytes": "10 gigs"}})",
     "config.json:1: /cache/max_disk_bytes: found \"10 gigs\"; allowed: a size such as \"64MiB\" "
     "or bytes, at least 256MiB"},
    {"NumberOverTheMost", R"({"cache": {"ttl_jitter": 0.9}})",
     "config.json:1: /cache/ttl_jitter: found 0.9; allowed: a number from 0 to 0.5"},
    {"FractionForAWholeNumber", R"({"cache": {"compression": {"level": 3.5}}})",
     "config.json:1: /cache/compression/level: found 3.5; allowed: a whole number from 0 to 19"},
    {"NegativeDuration", R"({"cache": {"default_ttl": -1}})",
     "config.json:1: /cache/default_ttl: found -1; allowed: a duration such as \"24h\", 0 or "
     "\"never\""},
    {"NeverIsForLifetimesOnly", R"({"cache": {"stale_if_error": "never"}})",
     "config.json:1: /cache/stale_if_error: found \"never\"; allowed: a duration such as "
     "\"500ms\", \"30s\", \"24h\""},
    {"NullInTheFile", R"({"cache": {"directory": null}})",
     "config.json:1: /cache/directory: found null; allowed: a text"},
    {"PolicyIsNoList", R"({"policy": {"cache": true}})",
     "config.json:1: /policy: found an object; allowed: a list of objects"},
    {"PolicyRuleIsNoObject", R"({"policy": [3]})",
     "config.json:1: /policy/0: found number; allowed: an object"},
    {"UnknownKeyOfARule", "{\"policy\": [{}, {\n\"chache\": true}]}",
     "config.json:2: /policy/1/chache: unknown key; nearest is \"cache\"; allowed: \"name\", "
     "\"match\", \"cache\", \"ttl\", \"tags\", \"stale_while_revalidate\", "
     "\"stale_if_error\", \"store_truncated\", \"store_content_filter\", \"store_refusals\", "
     "\"store_incomplete\", \"cache_stateful\""},
    {"UnknownPartOfATag", R"({"policy": [{"tags": ["m:{modle}"]}]})",
     "config.json:1: /policy/0/tags: tag \"m:{modle}\": no part {modle}; nearest is {model}; "
     "allowed: {model}, {provider}, {path}, {header.NAME}, {field.NAME}"},
    {"FallbackWithoutProvider",
     "{\"providers\": {\"a\": {\"base_url\": \"http://h\",\n\"fallback\": [{}]}}}",
     "config.json:2: /providers/a/fallback/0: \"provider\" is missing; allowed: a text"},
    {"ProxyWithCredentials", R"({"providers": {"a": {"proxy": "http://me:hunter2@h"}}})",
     "config.json:1: /providers/a/proxy: found a URL with credentials in it (not shown); allowed: "
     "a URL such as \"http://proxy:3128\", or \"none\" or null"},
    {"NegativeTtlOverItsLimit", R"({"cache": {"negative_ttl": "6m"}})",
     "config.json:1: /cache/negative_ttl: found \"6m\"; allowed: a duration such as \"500ms\", "
     "\"30s\", \"24h\", at most 5m"},
    {"AbortOfNoKind", R"({"gateway": {"on_abort": "stop"}})",
     "config.json:1: /gateway/on_abort: found \"stop\"; allowed: \"finish\", \"cancel\""},
    {"AdminOverTcp", R"({"admin": {"listen": "9000"}})",
     "config.json:1: /admin/listen: found \"9000\"; allowed: ADDRESS:PORT such as "
     "\"127.0.0.1:8080\" or null"},
    {"LiteralSecret", R"({"admin": {"token": "hunter2"}})",
     "config.json:1: /admin/token: found a literal (not shown); allowed: \"${env:NAME}\", "
     "\"${file:/path}\", \"${vault:NAME}\""},
    {"NameThatNoSecretHas", R"({"admin": {"token": "${vault:a/b}"}})",
     "config.json:1: /admin/token: found another reference; allowed: \"${env:NAME}\", "
     "\"${file:/path}\", \"${vault:NAME}\""},
    {"ReferenceOutsideOfSecrets", R"({"cache": {"directory": "${env:HOME}/x"}})",
     "config.json:1: /cache/directory: found a reference; allowed: a text (references stand only "
     "where a secret belongs)"},
    {"LiteralCredential", R"({"providers": {"a": {"auth": {"token": "hunter2"}}}})",
     "config.json:1: /providers/a/auth/token: found a literal (not shown); allowed: "
     "\"${env:NAME}\", \"${file:/path}\", \"${vault:NAME}\""},
    {"CredentialsInAUrl", R"({"providers": {"a": {"base_url": "https://me:hunter2@h"}}})",
     "config.json:1: /providers/a/base_url: found a URL with credentials in it (not shown); "
     "allowed: a URL such as \"https://api.example.com\""},
    {"UrlOfAnotherScheme", R"({"providers": {"a": {"base_url": "ftp://h"}}})",
     "config.json:1: /providers/a/base_url: found \"ftp://h\"; allowed: a URL such as "
     "\"https://api.example.com\""},
    {"MissingKey", "{\"providers\": {\n\"a\": {}}}",
     "config.json:2: /providers/a: \"base_url\" is missing; allowed: a URL such as "
     "\"https://api.example.com\""},
    {"ProviderThatHidesAPath", R"({"providers": {"v1": {}}})",
     "config.json:1: /providers/v1: not a name for a provider: the gateway answers paths under "
     "/v1 itself"},
    {"ProviderThatNoPathCanName", R"({"providers": {"a/b": {}}})",
     "config.json:1: /providers/a~1b: not a name for a provider; allowed: a to z, 0 to 9, - and "
     "_, at most 64"},
    {"Address", R"({"gateway": {"listen": "8080"}})",
     "config.json:1: /gateway/listen: found \"8080\"; allowed: ADDRESS:PORT such as "
     "\"127.0.0.1:8080\""},
    {"PortTooLarge", R"({"gateway": {"listen": "127.0.0.1:65536"}})",
     "config.json:1: /gateway/listen: found \"127.0.0.1:65536\"; allowed: ADDRESS:PORT such as "
     "\"127.0.0.1:8080\""},
};

INSTANTIATE_TEST_SUITE_P(Every, ConfigMistakeTest, ::testing::ValuesIn(kMistakes),
                         [](const auto& mistake) { return mistake.param.name; });

TEST_F(ConfigTest, PolicyIsReadInItsOrder) {
  const Result<ConfigDocument> document = Load(R"({ "policy": [
    { "match": { "path": "/v1/*", "model": ["gpt-*", "o1"] }, "ttl": "7d",
      "tags": ["model:{model}"], "cache": true },
    {},
    { "name": "tests", "match": { "header": { "x-env": "test" },
                                  "field": { "temperature": [0, 1], "metadata.ci": true } },
      "ttl": "never", "stale_if_error": "1h", "store_truncated": "always",
      "store_refusals": true, "cache_stateful": true } ] })");
  ASSERT_OK(document);
  const Result<ClientConfig> config = ReadClientConfig(*document);
  ASSERT_OK(config);
  const std::vector<PolicyRule>& rules = config->policy.rules();
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_THAT(rules[0].match.path, ElementsAre("/v1/*"));
  EXPECT_THAT(rules[0].match.model, ElementsAre("gpt-*", "o1"));
  EXPECT_EQ(rules[0].ttl, Duration(24h * 7));
  EXPECT_THAT(rules[0].tags, ElementsAre("model:{model}"));
  EXPECT_EQ(rules[0].cache, true);
  EXPECT_EQ(rules[1].cache, std::nullopt);
  EXPECT_EQ(rules[2].name, "tests");
  EXPECT_EQ(rules[2].ttl, kForever);
  EXPECT_EQ(rules[2].stale_if_error, Duration(1h));
  EXPECT_EQ(rules[2].stale_while_revalidate, std::nullopt);
  EXPECT_EQ(rules[2].store.truncated, StoreTruncated::kAlways);
  EXPECT_TRUE(rules[2].store.refusals);
  EXPECT_FALSE(rules[2].store.content_filter);
  EXPECT_TRUE(rules[2].cache_stateful);
  EXPECT_THAT(rules[2].match.header.at("x-env"), ElementsAre("test"));
  EXPECT_THAT(rules[2].match.field.at("temperature"),
              ElementsAre(FieldPattern(0.0), FieldPattern(1.0)));
  EXPECT_THAT(rules[2].match.field.at("metadata.ci"), ElementsAre(FieldPattern(true)));
  EXPECT_EQ(Origin(*document, "/policy/2/ttl"), "config.json:7");
}

TEST_F(ConfigTest, ListIsSetAsAWhole) {
  environment_["LARDER__POLICY"] = R"([{"ttl": "1h"}])";
  const std::string two = R"({"policy": [{"ttl": "2h", "name": "a"}, {"ttl": "3h"}]})";
  const Result<ConfigDocument> document = Load(two);
  ASSERT_OK(document);
  EXPECT_THAT(document->Names("/policy"), ElementsAre("0"));
  EXPECT_EQ(document->Text("/policy/0/ttl"), "1h");
  EXPECT_TRUE(document->IsNull("/policy/0/name"));
  EXPECT_EQ(document->Origin("/policy/0/ttl"), "LARDER__POLICY");
  environment_["LARDER__POLICY"] = R"([{"tll": "1h"}])";
  EXPECT_THAT(Complaint(two), StartsWith("LARDER__POLICY: unknown key; nearest is \"ttl\""));
  environment_["LARDER__POLICY"] = "[";
  EXPECT_THAT(Complaint(two), StartsWith("LARDER__POLICY: found string; allowed: a list"));
  environment_ = {{"LARDER__POLICY__0__TTL", "1h"}};
  EXPECT_EQ(Complaint(two),
            "LARDER__POLICY__0__TTL: a list is set as a whole, as JSON in LARDER__POLICY");
}

TEST_F(ConfigTest, ListOfAnEnvironmentReplacesTheFiles) {
  environment_["LARDER_ENV"] = "e";
  const Result<ConfigDocument> document = Load(
      "{\"policy\": [{\"name\": \"a\"}, {}],\n"
      "\"environments\": {\"e\": {\"policy\": [\n"
      "{\"ttl\": \"5m\"}]}}}");
  ASSERT_OK(document);
  EXPECT_THAT(document->Names("/policy"), ElementsAre("0"));
  EXPECT_TRUE(document->IsNull("/policy/0/name"));
  EXPECT_EQ(Origin(*document, "/policy/0/ttl"), "config.json:3");
}

TEST_F(ConfigTest, NamesMayBeNumbers) {
  const Result<ConfigDocument> document =
      Load(R"({"providers": {"0": {"base_url": "http://h"}, "7": {"base_url": "http://h"}}})");
  ASSERT_OK(document);
  EXPECT_THAT(document->Names("/providers"), ElementsAre("0", "7"));
  EXPECT_EQ(document->Text("/providers/7/timeouts/idle"), "60s");
}

TEST_F(ConfigTest, TroubleIsRead) {
  const Result<ConfigDocument> document = Load(R"({ "providers": {
    "a": { "base_url": "http://h", "proxy": "http://proxy:3128",
           "retry": { "max_attempts": 5, "base_delay": "1s", "max_delay": "4s",
                      "budget_ratio": 0.5, "budget_per_second": 3 },
           "breaker": { "failures": 7, "open_for": "2s" },
           "fallback": [ { "provider": "b", "models": { "gpt/4": "other" } },
                         { "provider": "c" } ] },
    "b": { "base_url": "http://h", "proxy": "none" }, "c": { "base_url": "http://h" } } })");
  ASSERT_OK(document);
  const Result<ClientConfig> config = ReadClientConfig(*document);
  ASSERT_OK(config);
  const ProviderConfig& a = config->providers.at("a");
  EXPECT_EQ(a.proxy, "http://proxy:3128");
  EXPECT_EQ(a.retry, (RetryConfig{5, 1s, 4s, 0.5, 3}));
  EXPECT_EQ(a.breaker, (BreakerConfig{7, 2s}));
  ASSERT_EQ(a.fallback.size(), 2U);
  EXPECT_EQ(a.fallback[0].models.at("gpt/4"), "other");
  EXPECT_EQ(a.fallback[1].provider, "c");
  EXPECT_EQ(config->providers.at("b").proxy, "none");
  EXPECT_EQ(config->providers.at("c").proxy, "");
  EXPECT_EQ(config->providers.at("c").retry, RetryConfig());
  EXPECT_EQ(config->providers.at("c").breaker, BreakerConfig());
}

TEST_F(ConfigTest, FallbackMustBeAnotherProviderOfTheDialect) {
  const Result<ConfigDocument> document = Load(
      "{ \"providers\": {\n"
      "\"a\": { \"base_url\": \"http://h\",\n \"fallback\": [ { \"provider\": \"x\" } ] },\n"
      "\"claude\": { \"base_url\": \"http://h\", \"dialect\": \"anthropic\" } } }");
  ASSERT_OK(document);
  EXPECT_THAT(
      ReadClientConfig(*document).status().message(),
      HasSubstr("config.json:3: /providers/a/fallback/0/provider: found \"x\", which is not "
                "another provider with dialect \"openai\"; there is none"));
}

TEST_F(ConfigTest, BytesThatAreNotUtf8AreRefused) {
  EXPECT_THAT(Complaint("{\"logging\": {\"file\": \"\xff\"}}"), StartsWith("config.json:1:"));
}

TEST_F(ConfigTest, DeepNestingIsRefused) {
  EXPECT_EQ(Complaint("{\"policy\": " + std::string(100'000, '[')),
            "config.json:1: nested deeper than 16 levels");
}

TEST_F(ConfigTest, UnknownVariableIsToldWithTheNearest) {
  environment_["LARDER__CACHE__MAX_DISC_BYTES"] = "1GiB";
  EXPECT_EQ(Complaint(kWhole),
            "LARDER__CACHE__MAX_DISC_BYTES: stands for no key; nearest is "
            "LARDER__CACHE__MAX_DISK_BYTES");
}

TEST_F(ConfigTest, ValueOfAVariableIsCheckedAsInTheFile) {
  environment_["LARDER__CACHE__MAX_DISK_BYTES"] = "lots";
  EXPECT_EQ(Complaint(kWhole),
            "LARDER__CACHE__MAX_DISK_BYTES: found \"lots\"; allowed: a size such as \"64MiB\" or "
            "bytes, at least 256MiB");
  environment_ = {{"LARDER__ADMIN__TOKEN", "hunter2"}};
  EXPECT_EQ(Complaint(kWhole),
            "LARDER__ADMIN__TOKEN: found a literal (not shown); allowed: \"${env:NAME}\", "
            "\"${file:/path}\", \"${vault:NAME}\"");
}

TEST_F(ConfigTest, VariableForAWholeSectionIsRefused) {
  environment_["LARDER__CACHE"] = "{}";
  EXPECT_THAT(Complaint(kWhole), StartsWith("LARDER__CACHE: /cache is a section"));
  environment_ = {{"LARDER__CACHE__DIRECTORY__X", "y"}};
  EXPECT_EQ(Complaint(kWhole),
            "LARDER__CACHE__DIRECTORY__X: stands for no key; nearest is LARDER__CACHE__DIRECTORY");
}

TEST_F(ConfigTest, ProviderThatAVariableMistypesIsMissingItsUrl) {
  environment_["LARDER__PROVIDERS__OPENIA__DIALECT"] = "openai";
  EXPECT_EQ(Complaint(kWhole),
            "LARDER__PROVIDERS__OPENIA__DIALECT: /providers/openia: \"base_url\" is missing; "
            "allowed: a URL such as \"https://api.example.com\"");
}

TEST_F(ConfigTest, UnknownEnvironmentIsToldWithTheNearest) {
  environment_["LARDER_ENV"] = "smal";
  EXPECT_EQ(Complaint(kWhole),
            "LARDER_ENV: \"smal\" is not among the environments of config.json; nearest is "
            "\"small\"");
  EXPECT_EQ(Complaint("{}"),
            "LARDER_ENV: \"smal\" is not among the environments of config.json, which has none");
}

TEST_F(ConfigTest, FlagIsCheckedAndNamed) {
  flags_ = {{"--listen", "/gateway/listen", "nowhere"}};
  EXPECT_EQ(Complaint(kWhole),
            "--listen: found \"nowhere\"; allowed: ADDRESS:PORT such as \"127.0.0.1:8080\"");
}

TEST_F(ConfigTest, EveryDefaultIsAllowedByItsOwnKey) {
  // FillIn does not check defaults, so the table itself is laid out as a file.
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.fallback.empty() || key.fallback == "-") continue;
    if (key.pointer.find('*') != key.pointer.npos) continue;
    std::string text(key.fallback);
    const ConfigPath path = FromPointer(key.pointer);
    for (auto name = path.rbegin(); name != path.rend(); ++name) {
      text = "{\"" + *name + "\": " + text + "}";
    }
    EXPECT_OK(Load(text)) << key.pointer;
  }
}

}  // namespace
}  // namespace larder::client
