#include "auth/authenticator.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "auth/aws_sigv4.h"
#include "auth/credential_number.h"
#include "auth/pool_work.h"
#include "auth/token_fetch.h"
#include "curl_request.h"
#include "http_date.h"

namespace larder::client {
namespace {

using boost::asio::awaitable;

constexpr std::string_view kBearer = "Bearer ";
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;

Duration Left(const Request& request) {
  if (!request.deadline) return kLongestWait;
  const auto left = *request.deadline - std::chrono::steady_clock::now();
  return std::clamp(std::chrono::floor<Duration>(left), Duration(0), kLongestWait);
}

Result<SecretText> ResolveToken(const Secret& secret) {
  Result<SecretText> value = secret.Resolve();
  if (!value.ok() || IsTokenText(value->Reveal())) return value;
  return Status(StatusCode::kInvalidArgument,
                secret.reference() + " holds what cannot stand in a header field");
}

// One secret in one header field, resolved for each request: what changed in its source counts at
// once.
class HeaderAuthenticator final : public Authenticator {
 public:
  HeaderAuthenticator(const AuthenticatorParts& parts, Secret secret, std::string header,
                      std::string_view prefix)
      : io_(parts.io),
        pool_(parts.pool),
        secret_(std::move(secret)),
        header_(std::move(header)),
        prefix_(prefix) {}

  awaitable<Status> Apply(Request& request) override {
    const auto work = [secret = secret_] { return ResolveToken(secret); };
    const Duration limit = Left(request);
    const Result<SecretText> value = co_await RunWithin(io_, pool_, work, limit);
    if (!value.ok()) co_return value.status();
    request.headers.Set(header_, prefix_ + std::string(value->Reveal()));
    request.credential = number_.Of(value->Reveal());
    co_return Status::Ok();
  }
  // The secret may have changed between the two.
  bool MayCure(const Headers&, const ResponseHead& answer) override {
    return answer.status == kUnauthorized;
  }

 private:
  boost::asio::io_context& io_;
  boost::asio::thread_pool& pool_;
  const Secret secret_;
  const std::string header_;
  const std::string prefix_;
  CredentialNumber number_;
};

// A token that is fetched and kept, as long as the secret it was fetched with stays the same.
class TokenAuthenticator final : public Authenticator {
 public:
  TokenAuthenticator(const AuthenticatorParts& parts, std::optional<Secret> source,
                     TokenFetch fetch)
      : io_(parts.io),
        pool_(parts.pool),
        tokens_(parts.tokens),
        source_(std::move(source)),
        fetch_(std::move(fetch)) {}

  awaitable<Status> Apply(Request& request) override {
    Result<SecretText> source = SecretText();
    if (source_) {
      const auto work = [secret = *source_] { return secret.Resolve(); };
      const Duration limit = Left(request);
      source = co_await RunWithin(io_, pool_, work, limit);
    }
    if (!source.ok()) co_return source.status();
    TokenWish wish{.fetch = fetch_, .source = *std::move(source), .limit = Left(request)};
    const Result<SecretText> token = co_await tokens_->Get(io_, std::move(wish));
    if (!token.ok()) co_return token.status();
    request.headers.Set("authorization", std::string(kBearer) + std::string(token->Reveal()));
    request.credential = number_.Of(token->Reveal());
    co_return Status::Ok();
  }
  bool MayCure(const Headers& sent, const ResponseHead& answer) override {
    if (answer.status != kUnauthorized) return false;
    const std::string* value = sent.Find("authorization");
    if (value != nullptr) tokens_->Drop(std::string_view(*value).substr(kBearer.size()));
    return true;
  }

 private:
  boost::asio::io_context& io_;
  boost::asio::thread_pool& pool_;
  const std::shared_ptr<TokenCache> tokens_;
  const std::optional<Secret> source_;
  const TokenFetch fetch_;
  CredentialNumber number_;
};

// Signs each request, at the provider's time: a signature is good for five minutes around it.
class AwsAuthenticator final : public Authenticator {
 public:
  explicit AwsAuthenticator(const AuthenticatorParts& parts)
      : io_(parts.io),
        pool_(parts.pool),
        clock_(parts.clock),
        auth_(parts.provider.auth),
        base_url_(parts.provider.base_url) {}

  // On the pool: secrets may be in a file, and hashing a large body takes its time.
  awaitable<Status> Apply(Request& request) override {
    const Duration limit = Left(request);
    // Shared, as the work goes on where this gives up.
    auto own = std::make_shared<Request>(std::move(request));
    const auto work = [auth = auth_, base_url = base_url_, now = Now(), own] {
      return Sign(auth, base_url, now, *own);
    };
    const Result<SecretText> signed_with = co_await RunWithin(io_, pool_, work, limit);
    if (!signed_with.ok()) co_return signed_with.status();
    request = std::move(*own);
    request.credential = number_.Of(signed_with->Reveal());
    co_return Status::Ok();
  }

  // Its refusals say what time it is there. If our clock is so far off that this must be the cause,
  // the difference is made up for from now on.
  bool MayCure(const Headers&, const ResponseHead& answer) override {
    constexpr Duration kTolerated = std::chrono::minutes(4);
    if (answer.status != kForbidden && answer.status != kUnauthorized) return false;
    const std::string* date = answer.headers.Find("date");
    const std::optional<TimePoint> there = date ? ParseHttpDate(*date) : std::nullopt;
    if (!there || std::chrono::abs(*there - Now()) < kTolerated) return false;
    offset_ = *there - clock_.Wall();
    return true;
  }

 private:
  TimePoint Now() const { return clock_.Wall() + offset_; }

  // What it was signed with.
  static Result<SecretText> Sign(const AuthConfig& auth, const std::string& base_url, TimePoint now,
                                 Request& request) {
    const Result<SecretText> id = ResolveToken(*auth.access_key_id);
    if (!id.ok()) return id.status();
    Result<SecretText> key = ResolveToken(*auth.secret_access_key);
    if (!key.ok()) return key.status();
    AwsCredentials credentials{std::string(id->Reveal()), *std::move(key), {}};
    if (auth.session_token) {
      Result<SecretText> token = ResolveToken(*auth.session_token);
      if (!token.ok()) return token.status();
      credentials.session_token = *std::move(token);
    }
    SignAws(credentials, {auth.region, auth.service}, HostField(base_url),
            SplitBaseUrl(base_url).path, now, request);
    std::string all = credentials.access_key_id + "\n";
    all += credentials.secret_access_key.Reveal();
    all += "\n";
    all += credentials.session_token.Reveal();
    return SecretText::Take(all);
  }

  boost::asio::io_context& io_;
  boost::asio::thread_pool& pool_;
  const Clock& clock_;
  const AuthConfig auth_;
  const std::string base_url_;
  Duration offset_{};  // what the provider's clock is ahead of ours
  CredentialNumber number_;
};

}  // namespace

std::shared_ptr<Authenticator> MakeAuthenticator(const AuthenticatorParts& parts) {
  const AuthConfig& auth = parts.provider.auth;
  const TokenFetchParts fetch{parts.io, parts.pool, parts.clock};
  const auto by_token = [&](TokenFetch how, std::optional<Secret> source) {
    return std::make_shared<TokenAuthenticator>(parts, std::move(source), std::move(how));
  };
  switch (auth.method) {
    case AuthMethod::kPassThrough: return nullptr;
    case AuthMethod::kBearer:
      return std::make_shared<HeaderAuthenticator>(parts, *auth.token, "authorization", kBearer);
    case AuthMethod::kApiKey:
      return std::make_shared<HeaderAuthenticator>(parts, *auth.key, auth.header, "");
    case AuthMethod::kOAuth2: return by_token(FetchByOAuth2(fetch, auth), auth.client_secret);
    case AuthMethod::kGoogle: return by_token(FetchByGoogle(fetch, auth), auth.credentials);
    case AuthMethod::kCommand: return by_token(FetchByCommand(fetch, auth), std::nullopt);
    case AuthMethod::kAwsSigV4: return std::make_shared<AwsAuthenticator>(parts);
  }
  return nullptr;
}

}  // namespace larder::client
