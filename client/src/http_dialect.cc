#include "http_dialect.h"

#include <algorithm>
#include <utility>

#include "answer_json.h"
#include "ascii.h"
#include "cache_control.h"
#include "larder/client/credentials.h"

namespace larder::client {
namespace {

constexpr std::string_view kKeyHeaders[] = {"accept", "accept-language", "content-type"};

// Headers that describe the answer, or say for how long it holds.
constexpr std::string_view kKeptHeaders[] = {
    "cache-control",
    "content-disposition",
    "content-language",
    "content-location",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "link",
    "vary",
};

Status OneForm() { return {StatusCode::kDataLoss, "the answer has one form only"}; }

class HttpEndpoint final : public Endpoint {
 public:
  HttpEndpoint(std::string_view name, std::string_view bypass) : name_(name), bypass_(bypass) {}

  std::string_view name() const override { return name_; }
  bool is_plain_http() const override { return true; }

  RequestPlan Plan(std::string_view body) const override {
    RequestPlan plan;
    plan.endpoint = this;
    plan.bypass = bypass_;
    plan.canonical_body = body;
    return plan;
  }
  Verdict JudgeJson(const RequestPlan&, const StoreRules&, std::string_view) const override {
    return {.store = true, .reason = {}};
  }
  Verdict JudgeStream(const RequestPlan&, const StoreRules&,
                      const std::vector<Event>&) const override {
    return {.store = false, .reason = "invalid"};
  }
  Result<std::string> Assemble(const std::vector<Event>&) const override { return OneForm(); }
  Result<std::vector<Event>> Split(std::string_view) const override { return OneForm(); }

 private:
  const std::string_view name_;
  const std::string_view bypass_;
};

class Http final : public Dialect {
 public:
  const Endpoint* FindEndpoint(std::string_view method, std::string_view) const override {
    if (method == "GET") return &HttpGet();
    if (method == "POST") return &HttpPost();
    return nullptr;
  }
  std::string ErrorBody(int status, std::string_view message) const override {
    return DumpJson({{"status", status}, {"detail", message}});
  }
};

bool IsAnyOf(std::string_view name, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& one) { return EqualsIgnoreCase(one, name); });
}

// The upstream sees our own credential, whoever asks.
bool IsSameForAll(std::string_view name, const ProviderConfig& provider) {
  return provider.auth.method != AuthMethod::kPassThrough && IsReplacedCredential(name);
}

}  // namespace

const Dialect& HttpDialect() {
  static const Http dialect;
  return dialect;
}

const Endpoint& HttpGet() {
  static const HttpEndpoint endpoint("http.get", "");
  return endpoint;
}

// Most of them do something: the policy must know better.
const Endpoint& HttpPost() {
  static const HttpEndpoint endpoint("http.post", "stateful");
  return endpoint;
}

std::vector<std::string> HttpKeyHeaders(const ProviderConfig& provider) {
  std::vector<std::string> names(std::begin(kKeyHeaders), std::end(kKeyHeaders));
  names.insert(names.end(), provider.key_headers.begin(), provider.key_headers.end());
  return names;
}

std::string_view ObjectionOfHttp(const ProviderConfig& provider, const Headers& headers,
                                 bool keyed_by_caller) {
  if (headers.Has("set-cookie")) return "set_cookie";
  const std::vector<std::string> in_key = HttpKeyHeaders(provider);
  const std::string vary = headers.Joined("vary");
  ListElements names(vary);
  while (names.AreLeft()) {
    const std::string_view name = names.Take();
    // We always ask for the bytes as they are.
    const bool known = name.empty() || EqualsIgnoreCase(name, "accept-encoding") ||
                       IsAnyOf(name, in_key) || IsSameForAll(name, provider) ||
                       (keyed_by_caller && IsCredentialHeader(name, provider.dialect));
    if (!known) return "vary";
  }
  return {};
}

bool IsKeptByHttp(std::string_view name) {
  return std::any_of(std::begin(kKeptHeaders), std::end(kKeptHeaders),
                     [&](std::string_view one) { return EqualsIgnoreCase(one, name); });
}

}  // namespace larder::client
