// Limits of time where the peer says nothing at all: each call ends by the limit that is meant for
// it, and says which. And the proxies that the environment names.
//
// This program's getaddrinfo() stands in for the system's, so that a test decides what a name
// leads to.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "curl_http_service.h"
#include "fake_upstream.h"
#include "gate.h"
#include "run_coroutine.h"
#include "silent_listener.h"

namespace larder::client {
namespace {

using larder::testing::FakeUpstream;
using larder::testing::Gate;
using larder::testing::RunCoroutine;
using larder::testing::SilentListener;
using larder::testing::UpstreamExchange;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// The resolver never hears of this one until the gate is open. Threads of libcurl's that wait at it
// may outlive the test.
constexpr std::string_view kUnheardOf = "unheard-of.invalid";
class Resolver {
 public:
  static std::shared_ptr<Gate> TheGate() {
    const std::lock_guard lock(mutex_);
    return gate_;
  }
  static void CloseAgain() {
    const std::lock_guard lock(mutex_);
    gate_ = std::make_shared<Gate>();
  }

 private:
  static inline std::mutex mutex_;
  static inline std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();  // guarded by mutex_
};

}  // namespace
}  // namespace larder::client

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using larder::client::kUnheardOf;
  const std::string_view name = node == nullptr ? "" : node;
  if (name == kUnheardOf) larder::client::Resolver::TheGate()->Wait();
  if (name.ends_with(".invalid")) return EAI_NONAME;
  static auto* const real =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, found);
}

namespace larder::client {
namespace {

class CurlLimitsTest : public ::testing::Test {
 protected:
  CurlLimitsTest() {
    Resolver::CloseAgain();
    limits_ = {.connect = 1min, .first_byte = 1min, .idle = 1min, .total = 1min};
  }

  // How the call ends.
  Status Send(const std::string& base_url, Request request = Get()) {
    CurlHttpService service(io_, {.base_url = base_url, .proxy = proxy_}, limits_);
    const auto begin = std::chrono::steady_clock::now();
    const Result<Response> response = RunCoroutine(io_, service.Send(std::move(request)));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s) << "another limit ended it";
    return response.status();
  }
  void ExpectEndBy(const std::string& limit, const std::string& base_url,
                   const Request& request = Get()) {
    const Status status = Send(base_url, request);
    EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
    EXPECT_EQ(status.message(), "upstream took longer than the limit `" + limit + "`");
  }
  static Request Get() {
    Request request;
    request.method = "GET";
    request.target = "/";
    return request;
  }
  // More than the sockets' buffers take.
  static Request LargePost() {
    Request request;
    request.target = "/";
    request.body = std::string(64'000'000, 'x');
    return request;
  }

  boost::asio::io_context io_;
  Timeouts limits_;
  std::string proxy_ = "none";
};

TEST_F(CurlLimitsTest, NameThatNobodyResolvesIsBoundByConnectAndByTotal) {
  const std::string url = "http://" + std::string(kUnheardOf);
  limits_.connect = 50ms;
  ExpectEndBy("connect", url);
  limits_.connect = 1min;
  limits_.total = 50ms;
  ExpectEndBy("total", url);
  limits_.total = 1min;
  Request in_a_hurry = Get();
  in_a_hurry.deadline = std::chrono::steady_clock::now() + 50ms;
  EXPECT_EQ(Send(url, in_a_hurry).code(), StatusCode::kDeadlineExceeded);
  Resolver::TheGate()->Open();
  EXPECT_EQ(Send(url).code(), StatusCode::kUnavailable) << "the name does not exist";
}

TEST_F(CurlLimitsTest, HandshakeThatGetsNoAnswerIsBoundByConnectAndByTotal) {
  const SilentListener listener;
  limits_.connect = 50ms;
  ExpectEndBy("connect", "https://" + listener.authority());
  limits_.connect = 1min;
  limits_.total = 50ms;
  ExpectEndBy("total", "https://" + listener.authority());
}

TEST_F(CurlLimitsTest, ProxyThatOpensNoTunnelIsBoundByConnect) {
  const SilentListener listener;
  proxy_ = "http://" + listener.authority();
  limits_.connect = 50ms;
  ExpectEndBy("connect", "https://api.invalid");
}

TEST_F(CurlLimitsTest, UploadThatNobodyReadsIsBoundByFirstByteAndByTotal) {
  const SilentListener listener;
  limits_.first_byte = 50ms;
  ExpectEndBy("first_byte", "http://" + listener.authority(), LargePost());
  limits_.first_byte = 1min;
  limits_.total = 100ms;
  ExpectEndBy("total", "http://" + listener.authority(), LargePost());
}

TEST_F(CurlLimitsTest, SmallRequestThatNobodyReadsIsBoundByFirstByte) {
  const SilentListener listener;
  limits_.first_byte = 50ms;
  Request post = LargePost();
  post.body.resize(10);
  ExpectEndBy("first_byte", "http://" + listener.authority(), post);
}

// A variable of the environment, for as long as this is there.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* const name_;
};

class CurlProxyTest : public CurlLimitsTest {
 protected:
  CurlProxyTest() {
    proxy_ = "";
    for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy",
                             "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
      ::unsetenv(name);
    }
  }
  // Where a request to this host went.
  std::string WayTo(const std::string& base_url) {
    asked_.clear();
    const Status status = Send(base_url);
    if (!asked_.empty()) return "by proxy: " + asked_;
    return status.ok() ? "directly" : "nowhere";
  }

  std::string asked_;  // the latest request line that the proxy saw
  std::string seen_;   // ... and all of that head
  FakeUpstream a_proxy_{[this](UpstreamExchange& exchange) {
    asked_ = exchange.head.substr(0, exchange.head.find('\r'));
    seen_ = exchange.head;
    exchange.Answer(exchange.method == "CONNECT" ? 403 : 200, "text/plain", "from the proxy");
  }};
  FakeUpstream upstream_{
      [](UpstreamExchange& exchange) { exchange.Answer(200, "text/plain", "directly"); }};
};

TEST_F(CurlProxyTest, VariablesNameTheProxyOfEachScheme) {
  EXPECT_EQ(WayTo("http://api.invalid"), "nowhere") << "there is no such host";
  const Variable http("http_proxy", a_proxy_.base_url());
  EXPECT_EQ(WayTo("http://api.invalid"), "by proxy: GET http://api.invalid/ HTTP/1.1");
  EXPECT_EQ(WayTo("https://api.invalid"), "nowhere");
  const Variable https("https_proxy", a_proxy_.base_url());
  EXPECT_EQ(WayTo("https://api.invalid"), "by proxy: CONNECT api.invalid:443 HTTP/1.1");
}

// A caller of a CGI program sets HTTP_PROXY by a header field `Proxy`.
TEST_F(CurlProxyTest, VariablesInCapitalsCountButForTheOneThatACallerMaySet) {
  {
    const Variable http("HTTP_PROXY", a_proxy_.base_url());
    EXPECT_EQ(WayTo("http://api.invalid"), "nowhere");
  }
  {
    const Variable https("HTTPS_PROXY", a_proxy_.base_url());
    EXPECT_THAT(WayTo("https://api.invalid"), StartsWith("by proxy: CONNECT"));
  }
  for (const char* name : {"ALL_PROXY", "all_proxy"}) {
    const Variable all(name, a_proxy_.base_url());
    EXPECT_THAT(WayTo("http://api.invalid"), StartsWith("by proxy: GET")) << name;
  }
}

TEST_F(CurlProxyTest, NoProxyNamesTheHostsThatAreReachedDirectly) {
  const Variable http("http_proxy", a_proxy_.base_url());
  const Variable none("no_proxy", "other.invalid,.inner.invalid");
  EXPECT_EQ(WayTo("http://other.invalid"), "nowhere");
  EXPECT_EQ(WayTo("http://api.inner.invalid"), "nowhere");
  EXPECT_THAT(WayTo("http://api.invalid"), StartsWith("by proxy: "));
}

// A program that asks a server of its own must not send it to the company's proxy.
TEST_F(CurlProxyTest, ThisMachineIsReachedDirectlyWhateverTheVariablesSay) {
  const Variable http("http_proxy", a_proxy_.base_url());
  const Variable all("all_proxy", a_proxy_.base_url());
  EXPECT_EQ(WayTo(upstream_.base_url()), "directly");
  EXPECT_EQ(WayTo("http://localhost:" + std::to_string(upstream_.port())), "directly");
}

TEST_F(CurlProxyTest, ConfigurationComesBeforeTheVariables) {
  const Variable http("http_proxy", "http://proxy.invalid");
  const Variable none("no_proxy", "*");
  proxy_ = a_proxy_.base_url();
  EXPECT_THAT(WayTo("http://api.invalid"), StartsWith("by proxy: "));
  EXPECT_THAT(WayTo(upstream_.base_url()), StartsWith("by proxy: ")) << "who names it, means it";
  proxy_ = "none";
  const Variable other("http_proxy", a_proxy_.base_url());
  EXPECT_EQ(WayTo(upstream_.base_url()), "directly");
  EXPECT_EQ(WayTo("http://api.invalid"), "nowhere");
}

TEST_F(CurlProxyTest, CredentialOfTheProxyIsForTheProxyAlone) {
  std::string proxy = a_proxy_.base_url();
  proxy.insert(proxy.find("://") + 3, "user:hunter2@");
  const Variable https("https_proxy", proxy);
  const Status status = Send("https://api.invalid");
  EXPECT_EQ(status.message(), "the proxy refuses a way to the upstream: it answered 403");
  EXPECT_THAT(seen_, HasSubstr("Proxy-Authorization: Basic dXNlcjpodW50ZXIy"));
  const Variable gone("https_proxy", "http://user:hunter2@proxy.invalid");
  EXPECT_THAT(Send("https://api.invalid").message(), Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace larder::client
