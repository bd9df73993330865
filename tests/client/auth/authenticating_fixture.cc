#include "authenticating_fixture.h"

#include <fstream>
#include <utility>

namespace larder::testing {

void AuthenticatingFixture::UseGoogle() {
  std::ifstream pem(LARDER_CREDENTIAL_DATA "/rfc7515_rsa_key.pem");
  std::string key;
  for (std::string line; std::getline(pem, line);) key += line + "\\n";
  std::ofstream(dir_ / "account") << R"({"client_email": "a@b", "private_key": ")" << key
                                  << R"(", "token_uri": ")" << upstream_.base_url() << "/token\"}";
  provider_.auth.method = client::AuthMethod::kGoogle;
  provider_.auth.credentials = Reference("${file:" + dir_ / "account" + "}");
  provider_.auth.scope = "read";
}

client::AuthenticatingService& AuthenticatingFixture::service() {
  provider_.name = "openai";
  provider_.base_url = upstream_.base_url() + "/base";
  if (service_ == nullptr) {
    service_ = std::make_shared<client::AuthenticatingService>(
        provider_.name, client::MakeAuthenticator({io_, pool_, provider_, tokens_, clock_}),
        std::make_shared<client::CurlHttpService>(io_, client::UpstreamAddress{provider_.base_url},
                                                  provider_.timeouts));
  }
  return *service_;
}

client::Request AuthenticatingFixture::MakeRequest(const std::string& target) {
  client::Request request;
  request.target = target;
  request.body = "{}";
  request.headers = {{"authorization", "Bearer caller"},
                     {"x-api-key", "caller"},
                     {"cookie", "caller"},
                     {"x-other", "kept"}};
  return request;
}

void AuthenticatingFixture::Answer(UpstreamExchange& exchange) {
  std::unique_lock lock(mutex_);
  if (exchange.target == "/token") {
    token_bodies_.push_back(exchange.body);
    last_token_head_ = exchange.head;
    const std::string token = "t" + std::to_string(token_bodies_.size());
    const int status = token_status_;
    lock.unlock();
    if (token_answer_) return token_answer_(exchange);
    return exchange.Answer(
        status, "application/json",
        R"({"access_token": ")" + token + R"(", "token_type": "bearer", "expires_in": 3600})");
  }
  seen_.push_back(exchange);
  const bool refused = !good_.empty() && exchange.header("authorization") != good_;
  lock.unlock();
  if (provider_answer_) return provider_answer_(exchange);
  exchange.Answer(refused ? 401 : 200, "application/json", "{}");
}

}  // namespace larder::testing
