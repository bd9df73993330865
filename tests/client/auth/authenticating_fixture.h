// AuthenticatingFixture: a provider with a credential of our own, and a token endpoint beside it,
// on loopback.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "auth/authenticating_service.h"
#include "curl_http_service.h"
#include "fake_clock.h"
#include "fake_upstream.h"
#include "run_coroutine.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::testing {

class AuthenticatingFixture : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("LARDER_TEST_KEY", "sk-1", 1); }
  void TearDown() override { ::unsetenv("LARDER_TEST_KEY"); }

  static client::Secret Reference(const std::string& text) { return *client::Secret::Parse(text); }

  void UseOAuth2() {
    provider_.auth.method = client::AuthMethod::kOAuth2;
    provider_.auth.token_url = upstream_.base_url() + "/token";
    provider_.auth.client_id = "us:er";
    provider_.auth.client_secret = Reference("${env:LARDER_TEST_KEY}");
  }
  void UseAws() {
    provider_.auth.method = client::AuthMethod::kAwsSigV4;
    provider_.auth.access_key_id = Reference("${env:LARDER_TEST_KEY}");
    provider_.auth.secret_access_key = Reference("${env:LARDER_TEST_KEY}");
    provider_.auth.region = "eu-west-1";
    provider_.auth.service = "bedrock";
  }
  // A service account whose tokens are those of the endpoint.
  void UseGoogle();

  // The provider's service, made at first use.
  client::AuthenticatingService& service();
  static client::Request MakeRequest(const std::string& target = "/v1/models");
  Result<client::Response> Call(client::Request request) {
    return RunCoroutine(io_, service().Send(std::move(request)));
  }
  // One call: its status, or why there is none.
  std::string Send(const std::string& target = "/v1/models") {
    const Result<client::Response> response = Call(MakeRequest(target));
    return response.ok() ? std::to_string(response->head.status) : response.status().message();
  }
  // The values of a header field, as the provider saw them.
  std::vector<std::string> Seen(const std::string& header) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> values;
    for (const UpstreamExchange& exchange : seen_) values.push_back(exchange.header(header));
    return values;
  }

  using Handler = std::function<void(UpstreamExchange&)>;

  std::mutex mutex_;
  std::vector<UpstreamExchange> seen_;     // by the provider
  std::vector<std::string> token_bodies_;  // by the token endpoint
  std::string last_token_head_;
  std::string good_;  // the only authorization that is taken; empty = any
  int token_status_ = 200;
  // In place of the usual answers; called without the lock.
  Handler provider_answer_;
  Handler token_answer_;
  FakeUpstream upstream_{[this](UpstreamExchange& exchange) { Answer(exchange); }};
  FakeClock clock_;  // before io_, which ends the fetches that are still under way
  boost::asio::io_context io_;
  boost::asio::thread_pool pool_{1};
  std::shared_ptr<client::TokenCache> tokens_ = std::make_shared<client::TokenCache>(clock_);
  client::ProviderConfig provider_;
  std::shared_ptr<client::AuthenticatingService> service_;
  const TempDir dir_;

 private:
  void Answer(UpstreamExchange& exchange);
};

}  // namespace larder::testing
