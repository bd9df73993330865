// Through a proxy to an upstream that speaks TLS: what the proxy learns, and what it cannot.
#include "connect_proxy.h"
#include "tls_fixture.h"

namespace larder::client {
namespace {

using larder::testing::ConnectProxy;
using larder::testing::Issue;
using larder::testing::MakeSelfSigned;
using larder::testing::TlsUpstream;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CurlTunnelTest : public TlsFixture {
 protected:
  CurlTunnelTest() { credential_ = "Bearer hunter2"; }
  void Use(const ConnectProxy& proxy) { provider_.proxy = proxy.base_url(); }
  static std::string Authority(const TlsUpstream& upstream) {
    return "localhost:" + std::to_string(upstream.port());
  }
};

TEST_F(CurlTunnelTest, RequestReachesTheUpstreamAndTheProxySeesNothingOfIt) {
  const TlsUpstream upstream({.identity = Issue(root_, {})});
  const ConnectProxy proxy;
  Use(proxy);
  EXPECT_EQ(Ask(upstream), "sni=localhost host=" + Authority(upstream) +
                               " authorization=Bearer hunter2 client=none\n");
  EXPECT_THAT(proxy.asked(), ElementsAre(Authority(upstream)));
  const std::string seen = proxy.seen();
  EXPECT_THAT(seen, StartsWith("CONNECT " + Authority(upstream) + " HTTP/1.1\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("hunter2")));
  EXPECT_THAT(seen, Not(HasSubstr("uthorization")));
  EXPECT_THAT(seen, Not(HasSubstr("GET / ")));
  EXPECT_GT(seen.size(), 500U) << "the tunnel itself is seen too";
}

TEST_F(CurlTunnelTest, TunnelIsKeptForTheNextCall) {
  const TlsUpstream upstream({.identity = Issue(root_, {})});
  const ConnectProxy proxy;
  Use(proxy);
  EXPECT_THAT(Ask(upstream), HasSubstr("hunter2"));
  EXPECT_THAT(Ask(upstream), HasSubstr("hunter2"));
  EXPECT_THAT(proxy.asked(), ElementsAre(Authority(upstream)));
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(CurlTunnelTest, TunnelLeadsToTheHostAndTheServersNameIsForItsEnd) {
  provider_.tls.server_name = "api.example.com";
  const TlsUpstream upstream({.identity = Issue(root_, {.name = "api.example.com"})});
  const ConnectProxy proxy;
  Use(proxy);
  EXPECT_THAT(Ask(upstream), StartsWith("sni=api.example.com host=" + Authority(upstream)));
  EXPECT_THAT(proxy.asked(), ElementsAre(Authority(upstream)));
}

TEST_F(CurlTunnelTest, WhoWaitsAtItsEndMustBeTheUpstream) {
  const TlsUpstream upstream({.identity = Issue(MakeSelfSigned({.name = "other"}), {})});
  const ConnectProxy proxy;
  Use(proxy);
  EXPECT_THAT(Ask(upstream), StartsWith("upstream's certificate is refused: "));
  EXPECT_THAT(proxy.asked(), ElementsAre(Authority(upstream)));
  EXPECT_EQ(upstream.connections(), 0);
}

TEST_F(CurlTunnelTest, ProxyThatRefusesIsNamedAndTheUpstreamNotAsked) {
  const TlsUpstream upstream({.identity = Issue(root_, {})});
  for (const int status : {403, 407, 502}) {
    const ConnectProxy proxy(status);
    Use(proxy);
    service_.reset();
    EXPECT_EQ(Ask(upstream),
              "the proxy refuses a way to the upstream: it answered " + std::to_string(status));
    EXPECT_THAT(proxy.asked(), ElementsAre(Authority(upstream)));
    EXPECT_THAT(proxy.seen(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(proxy.seen(), Not(HasSubstr("uthorization")));
  }
  EXPECT_EQ(upstream.connections(), 0);
}

}  // namespace
}  // namespace larder::client
