// TlsFixture: a provider that is reached by TLS, and trusts an authority of the test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "larder/client/asio/decorators.h"
#include "run_coroutine.h"
#include "temp_dir.h"
#include "tls_upstream.h"

namespace larder::client {

class TlsFixture : public ::testing::Test {
 protected:
  TlsFixture() { provider_.tls.ca_file = Write("root.pem", root_.certificate); }
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name, std::ios::trunc) << text;
    return dir_ / name;
  }
  // What the server says of a request, or why there is none.
  std::string Ask(const larder::testing::TlsUpstream& upstream) {
    provider_.name = "a";
    provider_.base_url = upstream.base_url();
    if (service_ == nullptr) {
      Result<std::shared_ptr<HttpService>> http = MakeHttp(io_, provider_);
      if (!http.ok()) return http.status().message();
      service_ = MakeAuthenticating({io_, pool_}, provider_, *std::move(http));
    }
    return larder::testing::RunCoroutine(io_, Fetch(*service_, credential_));
  }

  const larder::testing::TempDir dir_;
  const larder::testing::Certified root_ =
      larder::testing::MakeSelfSigned({.name = "root", .authority = true});
  boost::asio::io_context io_;
  boost::asio::thread_pool pool_{1};
  ProviderConfig provider_;
  std::string credential_;  // sent as `authorization`
  std::shared_ptr<HttpService> service_;

 private:
  static boost::asio::awaitable<std::string> Fetch(HttpService& service, std::string credential) {
    Request request;
    request.method = "GET";
    request.target = "/";
    if (!credential.empty()) request.headers.Set("authorization", credential);
    Result<Response> response = co_await service.Send(std::move(request));
    if (!response.ok()) co_return response.status().message();
    std::string text;
    while (true) {
      const Result<SharedBytes> piece = co_await response->body->Read();
      if (!piece.ok()) co_return piece.status().message();
      if (piece->empty()) co_return text;
      text += piece->view();
    }
  }
};

}  // namespace larder::client
