#include "larder/client/config_keys.h"

#include <algorithm>
#include <array>

namespace larder::client {
namespace {

constexpr auto kText = ConfigType::kText;
constexpr auto kChoice = ConfigType::kChoice;
constexpr auto kFlag = ConfigType::kFlag;
constexpr auto kInteger = ConfigType::kInteger;
constexpr auto kNumber = ConfigType::kNumber;
constexpr auto kDuration = ConfigType::kDuration;
constexpr auto kSize = ConfigType::kSize;
constexpr auto kTtl = ConfigType::kTtl;
constexpr auto kPatterns = ConfigType::kPatterns;
constexpr auto kScalars = ConfigType::kScalars;
constexpr auto kSecret = ConfigType::kSecret;

constexpr ConfigKey kTable[] = {
    {"/$schema", kText, "null", "For editors: where the schema is. Not used.", {}, {}, {}, true},

    {"/cache/directory", kText, R"("./larder-data")",
     "Where the cache lives; created with mode 0700 if missing. One process holds it at a time."},
    {"/cache/max_disk_bytes", kSize, R"("10GiB")",
     "Budget for the directory, transient files included.", "256MiB"},
    {"/cache/max_memory_bytes", kSize, R"("256MiB")",
     "Budget for all that is kept in memory: hot tier, block cache, write buffers, ledger.",
     "32MiB"},
    {"/cache/max_body_bytes", kSize, R"("64MiB")",
     "Largest answer stored; a larger one is passed on and not stored.", "1KiB", "1GiB"},
    {"/cache/default_ttl", kTtl, R"("24h")",
     "Lifetime of what is stored without one of its own. 0 = not stored, \"never\" = no expiry."},
    {"/cache/ttl_jitter", kNumber, "0.05",
     "Shortens default_ttl and the ttl of rules by up to this share, as a function of the key.",
     "0", "0.5"},
    {"/cache/stale_while_revalidate", kDuration, R"("0s")",
     "How long past its freshness an entry is still the answer while a new one is fetched."},
    {"/cache/stale_if_error", kDuration, R"("0s")",
     "How long past its freshness an entry stands in for an upstream in trouble."},
    {"/cache/negative_ttl",
     kDuration,
     R"("0s")",
     "Lifetime of the errors 400, 404, 413 and 422; others are never stored.",
     {},
     "5m"},
    {"/cache/durability",
     kChoice,
     R"("process")",
     "What an acknowledged put survives: the death of the process, or (sync) loss of power.",
     {},
     {},
     "process sync"},
    {"/cache/on_corruption",
     kChoice,
     R"("quarantine")",
     "A store that cannot be opened is moved aside, or refused.",
     {},
     {},
     "quarantine fail"},
    {"/cache/compression/level", kInteger, "3", "Level of zstd; 0 stores bytes as they are.", "0",
     "19"},
    {"/cache/compression/dictionary",
     kChoice,
     R"("auto")",
     "Train dictionaries from what is stored, or do not.",
     {},
     {},
     "auto off"},

    {"/policy/[]/name", kText, "-", "What the rule is called, for people."},
    {"/policy/[]/match/provider", kPatterns, "-", "Names of providers; * stands for any text."},
    {"/policy/[]/match/path", kPatterns, "-", "Paths, without provider and query."},
    {"/policy/[]/match/model", kPatterns, "-", "Models as requests name them."},
    {"/policy/[]/match/header/*", kPatterns, "-", "Values of a header field of the request."},
    {"/policy/[]/match/field/*", kScalars, "-",
     "Values of a field of the request's body; a dot goes into an object: metadata.team."},
    {"/policy/[]/cache", kFlag, "-", "false: goes past the cache."},
    {"/policy/[]/ttl", kTtl, "-", "Lifetime of what is stored; jitter shortens it."},
    {"/policy/[]/tags", ConfigType::kTags, "-",
     "Tags of what is stored and read; {model}, {provider}, {path}, {header.NAME} and {field.NAME} "
     "are filled in, and a tag with a part that is missing is left out."},
    {"/policy/[]/stale_while_revalidate", kDuration, "-",
     "As cache.stale_while_revalidate, for these."},
    {"/policy/[]/stale_if_error", kDuration, "-", "As cache.stale_if_error, for these."},
    {"/policy/[]/store_truncated",
     kChoice,
     "-",
     "Answers cut off by a limit of tokens: stored if the request set the limit, always or never.",
     {},
     {},
     "when_limited always never"},
    {"/policy/[]/store_content_filter", kFlag, "-", "Store answers stopped by a content filter."},
    {"/policy/[]/store_refusals", kFlag, "-", "Store refusals."},
    {"/policy/[]/store_incomplete", kFlag, "-", "Store Responses with the status incomplete."},
    {"/policy/[]/cache_stateful", kFlag, "-",
     "Cache also what depends on more than the request (hosted tools, stored conversations)."},

    {"/providers/*/dialect",
     kChoice,
     R"("openai")",
     "How the provider speaks.",
     {},
     {},
     "openai anthropic http"},
    {"/providers/*/base_url", ConfigType::kUrl, "",
     "Where requests go: scheme, authority and, where needed, a path that comes before theirs."},
    {"/providers/*/timeouts/connect", kDuration, R"("5s")", "Until the connection stands.", "1ms",
     "1h"},
    {"/providers/*/timeouts/first_byte", kDuration, R"("120s")",
     "From the end of the request to the head of the answer.", "1ms", "1d"},
    {"/providers/*/timeouts/idle", kDuration, R"("60s")", "Between two pieces of the answer.",
     "1ms", "1d"},
    {"/providers/*/timeouts/total", kDuration, R"("10m")",
     "For the whole call, all attempts included.", "1ms", "7d"},
    {"/providers/*/retry/max_attempts", kInteger, "3",
     "Attempts, the first included; callers that retry by themselves get one.", "1", "10"},
    {"/providers/*/retry/base_delay", kDuration, R"("500ms")",
     "Before the second attempt; doubles from there, less up to a quarter.", "1ms", "1m"},
    {"/providers/*/retry/max_delay", kDuration, R"("8s")",
     "Longest delay between attempts; an error that asks for a longer one is handed on.", "1ms",
     "10m"},
    {"/providers/*/retry/budget_ratio", kNumber, "0.2",
     "Retries allowed for each call, on average.", "0", "1"},
    {"/providers/*/retry/budget_per_second", kNumber, "10",
     "Retries allowed besides in each second.", "0", "10000"},
    {"/providers/*/breaker/failures", kInteger, "30",
     "Attempts failed in a row (no answer, or 5xx) after which the provider is not asked for a "
     "while; 0 = never.",
     "0", "100000"},
    {"/providers/*/breaker/open_for", kDuration, R"("5s")",
     "Until one call is let through to see; doubles up to eightfold while that fails.", "1ms",
     "1h"},
    {"/providers/*/fallback/[]/provider", kText, "",
     "Another provider of the same dialect, asked when this one is in trouble."},
    {"/providers/*/fallback/[]/models/*", kText, "-", "What that provider calls this model."},
    {"/providers/*/proxy",
     ConfigType::kProxy,
     "null",
     "Proxy for its requests; \"none\" = direct; null = as http_proxy, https_proxy and no_proxy "
     "say.",
     {},
     {},
     {},
     true},
    {"/providers/*/key_headers", ConfigType::kHeaderNames, "[]",
     "Further request headers that belong to the key."},
    {"/providers/*/keep_response_headers", ConfigType::kHeaderNames, "[]",
     "Further answer headers that are kept for hits."},
    {"/providers/*/inject_usage", kFlag, "false",
     "Ask for the usage of every stream of chat or completions that may be cached, and leave it "
     "out for callers who did not ask."},
    {"/providers/*/upstream_freshness", kFlag, "false",
     "With the dialect http: keep answers as long as they say themselves (Cache-Control, "
     "Expires)."},
    {"/providers/*/auth/method",
     kChoice,
     "-",
     "Which credential of our own goes up in place of the caller's; without auth the caller's "
     "passes through.",
     {},
     {},
     "bearer api_key oauth2 google aws_sigv4 command"},
    {"/providers/*/auth/token", kSecret, "-", "bearer: the token."},
    {"/providers/*/auth/key", kSecret, "-", "api_key: the key."},
    {"/providers/*/auth/header", kText, "-",
     "api_key: the header field it goes in; x-api-key if left out."},
    {"/providers/*/auth/token_url", ConfigType::kUrl, "-",
     "oauth2: where tokens are asked for; https, but to this machine."},
    {"/providers/*/auth/client_id", kText, "-", "oauth2: the client's name there."},
    {"/providers/*/auth/client_secret", kSecret, "-", "oauth2: the client's secret."},
    {"/providers/*/auth/client_auth",
     kChoice,
     "-",
     "oauth2: how the client shows its secret, in a header (basic, if left out) or in the form.",
     {},
     {},
     "basic post"},
    {"/providers/*/auth/scope", kText, "-",
     "oauth2, google: what the token is to be good for; google's is cloud-platform if left out."},
    {"/providers/*/auth/credentials", kSecret, "-",
     "google: the service account, the JSON that the console hands out."},
    {"/providers/*/auth/access_key_id", kSecret, "-", "aws_sigv4: the access key's name."},
    {"/providers/*/auth/secret_access_key", kSecret, "-", "aws_sigv4: the access key."},
    {"/providers/*/auth/session_token", kSecret, "-",
     "aws_sigv4: of temporary credentials, their token."},
    {"/providers/*/auth/region", kText, "-", "aws_sigv4: such as eu-west-1."},
    {"/providers/*/auth/service", kText, "-", "aws_sigv4: bedrock if left out."},
    {"/providers/*/auth/command", kPatterns, "-",
     "command: a program and its arguments; it prints a token, or JSON as kubectl's credential "
     "plugins do. No shell."},

    {"/providers/*/tls/ca_file", kText, "-",
     "Whom to trust, in PEM, in place of the system's authorities."},
    {"/providers/*/tls/crl_file", kText, "-",
     "What they have revoked, in PEM: a list of each authority of the chain."},
    {"/providers/*/tls/server_name", kText, "-",
     "The name that the certificate must be for, if it is not the host of base_url."},
    {"/providers/*/tls/client_certificate", kText, "-",
     "Our own certificate with its chain, in PEM, for providers that ask for one."},
    {"/providers/*/tls/client_key", kSecret, "-", "Its key, in PEM, without a passphrase."},

    {"/prices/*/input_per_million", kNumber, "", "USD for a million input tokens.", "0", "1000000"},
    {"/prices/*/output_per_million", kNumber, "", "USD for a million output tokens.", "0",
     "1000000"},
    {"/prices/*/cached_input_per_million", kNumber, "-",
     "USD for a million input tokens read from the provider's prompt cache; if not said, the "
     "built-in table's share of input_per_million, else input_per_million.",
     "0", "1000000"},
    {"/prices/*/cache_write_per_million", kNumber, "-",
     "USD for a million input tokens written to the provider's prompt cache; if not said, in "
     "the same ratio to other input as in the built-in table.",
     "0", "1000000"},
    {"/prices/*/tiers/[]/over_input_tokens", kInteger, "",
     "A call with more input tokens, cached ones included, costs the prices of this tier.", "1",
     "1000000000"},
    {"/prices/*/tiers/[]/input_per_million", kNumber, "",
     "USD for a million input tokens of such a call.", "0", "1000000"},
    {"/prices/*/tiers/[]/output_per_million", kNumber, "",
     "USD for a million output tokens of such a call.", "0", "1000000"},
    {"/prices/*/tiers/[]/cached_input_per_million", kNumber, "-",
     "If not said, in the same ratio to other input as below the tier.", "0", "1000000"},
    {"/prices/*/tiers/[]/cache_write_per_million", kNumber, "-",
     "If not said, in the same ratio to other input as below the tier.", "0", "1000000"},

    {"/gateway/listen", ConfigType::kAddress, R"("127.0.0.1:8080")",
     "Where larderd listens. Port 0 takes any free one."},
    {"/gateway/default_provider/openai",
     kText,
     "null",
     "Provider of OpenAI requests whose path names none; null = the only one of that dialect.",
     {},
     {},
     {},
     true},
    {"/gateway/default_provider/anthropic",
     kText,
     "null",
     "Provider of Anthropic requests whose path names none; null = the only one of that dialect.",
     {},
     {},
     {},
     true},
    {"/gateway/isolation",
     kChoice,
     R"("credential")",
     "Who shares answers: holders of the same credential, or all who use the same namespace.",
     {},
     {},
     "credential namespace"},
    {"/gateway/clients/*/key_sha256", kText, "",
     "SHA-256, in hex, of the client's key; `cachectl client add` makes both."},
    {"/gateway/clients/*/namespace", kText, "-",
     "Its key space, which may be shared with other clients; its name if not said."},
    {"/gateway/clients/*/providers", kPatterns, "-", "Providers that it may use; all if not said."},
    {"/gateway/clients/*/models", kPatterns, "-", "Models that it may use; all if not said."},
    {"/gateway/clients/*/requests_per_minute", kInteger, "0",
     "Requests a minute, hits too; 0 = any number.", "0", "1000000"},
    {"/gateway/clients/*/usd_per_day", kNumber, "-",
     "USD a day (UTC) for its misses; over it only the cache answers. Any amount if not said.", "0",
     "1000000"},
    {"/gateway/mode",
     kChoice,
     R"("normal")",
     "record: a cassette of all callers, nothing expires, errors are kept too; replay: from it "
     "alone, no provider is asked.",
     {},
     {},
     "normal record replay"},
    {"/gateway/max_body_bytes", kSize, R"("32MiB")", "Largest request body; a larger one gets 413.",
     "1KiB", "1GiB"},
    {"/gateway/max_request_memory_bytes", kSize, R"("256MiB")",
     "What the bodies of all requests under way may take together; one that finds no room gets "
     "503. "
     "At least gateway.max_body_bytes.",
     "1MiB", "1024GiB"},
    {"/gateway/drain_timeout", kDuration, R"("30s")",
     "How long requests and streams may go on after SIGTERM.", "0s", "1d"},
    {"/gateway/max_connections_per_client", kInteger, "0",
     "Connections of one address (of IPv6: of its /64); 0 = any number. A proxy in front is one.",
     "0", "1000000"},
    {"/gateway/max_concurrent_upstream", kInteger, "4096",
     "Calls under way to one provider at a time; 0 = any number. Hits are no calls.", "0",
     "1000000"},
    {"/gateway/max_queued_upstream", kInteger, "1024",
     "Calls to one provider that may wait for their turn; one more gets 503 at once.", "0",
     "1000000"},
    {"/gateway/max_queue_wait", kDuration, R"("10s")",
     "How long a call waits for its turn before it gets 503.", "1ms", "10m"},
    {"/gateway/on_abort",
     kChoice,
     R"("finish")",
     "What becomes of a request that all callers have left: its answer is stored, or it is given "
     "up.",
     {},
     {},
     "finish cancel"},

    {"/admin/socket",
     kText,
     R"("auto")",
     "Unix socket for cachectl, mode 0600. \"auto\" = admin.sock in the cache's directory; null = "
     "none.",
     {},
     {},
     {},
     true},
    {"/admin/listen",
     ConfigType::kAddress,
     "null",
     "Where the admin API is served over TCP, to who sends admin.token; not encrypted, so beyond "
     "this "
     "machine only behind what is. Port 0 takes any free one; null = nowhere.",
     {},
     {},
     {},
     true},
    {"/admin/token",
     ConfigType::kSecret,
     "null",
     "Bearer token of the admin API over TCP; read for every request, so a new one counts at once.",
     {},
     {},
     {},
     true},

    {"/logging/level",
     kChoice,
     R"("info")",
     "The least serious messages that are written.",
     {},
     {},
     "debug info warning error"},
    {"/logging/format",
     kChoice,
     R"("json")",
     "One JSON object a line, or text for people.",
     {},
     {},
     "json text"},
    {"/logging/file", kText, "null", "Where to; null = stderr.", {}, {}, {}, true},

    {"/metrics/enabled", kFlag, "true",
     "Whether larderd shows /metrics: on the admin socket, and on its port if that is loopback."},
};

// What concerns single requests, and sizes and lifetimes of the cache, is taken over while the
// process runs; what threads, stores and sockets were made from is not.
constexpr std::string_view kLive[] = {
    "/cache/max_disk_bytes",
    "/cache/max_memory_bytes",
    "/cache/default_ttl",
    "/cache/ttl_jitter",
    "/cache/stale_while_revalidate",
    "/cache/stale_if_error",
    "/cache/negative_ttl",
    "/cache/compression/level",
    "/policy/",
    "/providers/",
    "/prices/",
    "/gateway/default_provider/",
    "/gateway/clients/",
    "/logging/level",
};

constexpr bool IsLive(std::string_view pointer) {
  for (const std::string_view part : kLive) {
    if (pointer.starts_with(part)) return true;
  }
  return false;
}

constexpr auto kKeys = [] {
  auto keys = std::to_array(kTable);
  for (ConfigKey& key : keys) key.live = IsLive(key.pointer);
  return keys;
}();

std::vector<std::string_view> Parts(std::string_view pointer) {
  std::vector<std::string_view> parts;
  while (!pointer.empty()) {
    const std::size_t end = pointer.find('/', 1);
    parts.push_back(pointer.substr(1, end == pointer.npos ? end : end - 1));
    pointer = end == pointer.npos ? std::string_view() : pointer.substr(end);
  }
  return parts;
}

bool IsIndex(std::string_view name) {
  return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

// Whether `path` agrees with the first parts of a pattern.
bool IsPrefix(const ConfigPath& path, const std::vector<std::string_view>& parts) {
  return path.size() <= parts.size() &&
         std::equal(path.begin(), path.end(), parts.begin(),
                    [](const std::string& name, std::string_view part) {
                      return part == "*" || part == name || (part == "[]" && IsIndex(name));
                    });
}

}  // namespace

std::span<const ConfigKey> ConfigKeys() { return kKeys; }

const ConfigKey* FindConfigKey(const ConfigPath& path) {
  for (const ConfigKey& key : kKeys) {
    const auto parts = Parts(key.pointer);
    if (parts.size() == path.size() && IsPrefix(path, parts)) return &key;
  }
  return nullptr;
}

std::vector<std::string_view> ConfigNamesUnder(const ConfigPath& path) {
  std::vector<std::string_view> names;
  for (const ConfigKey& key : kKeys) {
    const auto parts = Parts(key.pointer);
    if (parts.size() <= path.size() || !IsPrefix(path, parts)) continue;
    const std::string_view name = parts[path.size()];
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string ToPointer(const ConfigPath& path) {
  std::string pointer;
  for (const std::string& name : path) {
    pointer += '/';
    for (const char c : name) {
      if (c == '~') {
        pointer += "~0";
      } else if (c == '/') {
        pointer += "~1";
      } else {
        pointer += c;
      }
    }
  }
  return pointer;
}

ConfigPath FromPointer(std::string_view pointer) {
  ConfigPath path;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      path.emplace_back();
      continue;
    }
    const bool escaped = pointer[i] == '~' && i + 1 < pointer.size();
    path.back() += escaped ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
  }
  return path;
}

}  // namespace larder::client
