#include "auth/token_fetch.h"

#include <chrono>
#include <string>
#include <utility>

#include "auth/command_output.h"
#include "auth/jwt.h"
#include "auth/pool_work.h"
#include "auth/token_endpoint.h"

namespace larder::client {
namespace {

using boost::asio::awaitable;

constexpr Duration kCommandLimit = std::chrono::seconds(30);
// What a claim's time may differ from the endpoint's: it is made out for that much earlier.
constexpr Duration kTolerated = std::chrono::seconds(30);

// RFC 6749, section 2.3.1: both form-encoded, then as for HTTP's basic authentication.
std::string BasicAuthorization(const std::string& id, const SecretText& secret) {
  std::string pair = FormEncode(id) + ":" + FormEncode(secret.Reveal());
  std::string text = Base64Url(pair);
  WipeText(pair);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return "Basic " + text;
}

awaitable<Result<Token>> ByOAuth2(TokenFetchParts parts, AuthConfig auth) {
  const auto resolve = [secret = *auth.client_secret] { return secret.Resolve(); };
  const Result<SecretText> secret = co_await RunWithin(parts.io, parts.pool, resolve);
  if (!secret.ok()) co_return secret.status();
  FormFields fields = {{"grant_type", "client_credentials"}};
  if (!auth.scope.empty()) fields.emplace_back("scope", auth.scope);
  Headers headers;
  if (auth.client_auth == ClientAuth::kBasic) {
    headers.Set("authorization", BasicAuthorization(auth.client_id, *secret));
  } else {
    fields.emplace_back("client_id", auth.client_id);
    fields.emplace_back("client_secret", std::string(secret->Reveal()));
  }
  TokenAnswer answer =
      co_await AskForToken(parts.io, auth.token_url, std::move(fields), std::move(headers));
  co_return std::move(answer.token);
}

struct Assertion {
  std::string token_uri;
  std::string text;
};

Result<Assertion> SignAssertion(const Secret& credentials, const std::string& scope,
                                TimePoint now) {
  const Result<SecretText> json = credentials.Resolve();
  if (!json.ok()) return json.status();
  const Result<ServiceAccount> account = ParseServiceAccount(json->Reveal());
  if (!account.ok()) return account.status().WithContext(credentials.reference());
  Result<std::string> text = MakeAssertion(*account, scope, now);
  if (!text.ok()) return text.status().WithContext(credentials.reference());
  return Assertion{account->token_uri, *std::move(text)};
}

awaitable<TokenAnswer> AskGoogle(const TokenFetchParts& parts, const AuthConfig& auth,
                                 TimePoint now) {
  const auto work = [secret = *auth.credentials, scope = auth.scope, now] {
    return SignAssertion(secret, scope, now);
  };
  const Result<Assertion> assertion = co_await RunWithin(parts.io, parts.pool, work);
  if (!assertion.ok()) co_return TokenAnswer{assertion.status()};
  FormFields fields = {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
                       {"assertion", assertion->text}};
  const std::string url = assertion->token_uri;
  co_return co_await AskForToken(parts.io, url, std::move(fields), Headers());
}

// A claim from a clock that is off is refused; the refusal says what time it is there.
awaitable<Result<Token>> ByGoogle(TokenFetchParts parts, AuthConfig auth) {
  const TimePoint now = parts.clock.Wall();
  TokenAnswer answer = co_await AskGoogle(parts, auth, now);
  const bool off = answer.date && std::chrono::abs(*answer.date - now) > kTolerated;
  if (answer.token.ok() || !off) co_return std::move(answer.token);
  const TimePoint there = *answer.date;
  TokenAnswer second = co_await AskGoogle(parts, auth, there);
  co_return std::move(second.token);
}

awaitable<Result<Token>> ByCommand(TokenFetchParts parts, AuthConfig auth) {
  const auto work = [command = auth.command, &clock = parts.clock]() -> Result<Token> {
    const Result<SecretText> printed = ReadCommand(command, kCommandLimit);
    if (!printed.ok()) return printed.status();
    Result<Token> token = ParsePrintedToken(printed->Reveal(), clock.Wall());
    if (!token.ok()) return token.status().WithContext(command.front() + " printed");
    return token;
  };
  co_return co_await RunWithin(parts.io, parts.pool, work);
}

}  // namespace

TokenFetch FetchByOAuth2(const TokenFetchParts& parts, const AuthConfig& auth) {
  return [parts, auth] { return ByOAuth2(parts, auth); };
}

TokenFetch FetchByGoogle(const TokenFetchParts& parts, const AuthConfig& auth) {
  return [parts, auth] { return ByGoogle(parts, auth); };
}

TokenFetch FetchByCommand(const TokenFetchParts& parts, const AuthConfig& auth) {
  return [parts, auth] { return ByCommand(parts, auth); };
}

}  // namespace larder::client
